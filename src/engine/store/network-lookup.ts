/**
 * Networks as the engine knows them: by name or id, the predefined ones among them.
 *
 * Three are predefined, with Docker's names. `none` and `host` have nothing to remember; `bridge` gets a record when the
 * first container needs it. Its link and the ruleset then stay, as docker0 does, until `gangway gc` finds that nobody
 * needs them.
 */
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { bootId } from '../../kernel/boot.ts';
import type { Link } from '../../kernel/link.ts';
import { chooseGsoSizes } from '../../networks/big-tcp.ts';
import { optionsOf } from '../../networks/bridge.ts';
import type { KernelHandles } from '../../plan/kernel-handles.ts';
import { choosePools, type TakenPrefix } from '../../services/ipam.ts';
import { plainBridge } from '../../values/bridge-options.ts';
import { GangwayError, ignoring } from '../../values/errors.ts';
import { shortId } from '../../values/id.ts';
import type { Subnet } from '../../values/network.ts';
import { order } from '../../values/order.ts';
import type { NetworkSummary } from '../engine.ts';
import { largeSegments, machinePrefix, nameServers, reachable, uplinkMtuBytes } from '../host-facts.ts';
import type { Identities } from './id-generator.ts';
import { containersWithRun, matchReferences, type NetworkRecord, type RunningContainer } from './record.ts';
import type { Records } from './record-store.ts';

/** The part of the engine's context that a new network's choices follow from. */
interface Source {
  readonly records: Records;
  readonly identities: Identities;
}

/** The default bridge's link, as `docker0` is Docker's. */
export const defaultBridge = 'gangway0';

/** The link of a network for which nobody has chosen one, as Docker calls it. */
export function bridgeName(id: string): string {
  return `br-${shortId(id)}`;
}

/** What a bridge does about the world unless somebody wants it otherwise. */
export const defaultPolicy = { ...optionsOf(plainBridge), internal: false };

/**
 * The network that somebody names: by its id, its name, or the beginning of its id; the default bridge also before it was
 * ever needed.
 *
 * @throws GangwayError network-not-found, pool-exhausted
 */
export function resolveNetwork(context: Source, world: KernelHandles, reference: string): NetworkRecord {
  const all = context.records.everyNetwork();
  const meant = reference === 'default' ? 'bridge' : reference;
  const found = findRecord(all, meant);
  if (found !== undefined) return found;
  const unneeded = [{ id: predefinedNetworkId('bridge') }];
  if (findNetwork(unneeded, () => 'bridge', meant) === undefined) throw networkNotFound(reference);
  return draftDefault(context, world);
}

/** As `resolveNetwork`, for who only reads. @throws GangwayError network-not-found where several are meant */
export function findRecord(all: readonly NetworkRecord[], reference: string): NetworkRecord | undefined {
  return findNetwork(all, ({ network }) => network.name, reference);
}

/** The only one that is meant, if any. @throws GangwayError network-not-found where several are */
export function findNetwork<T extends { readonly id: string }>(
  all: readonly T[],
  nameOf: (network: T) => string,
  reference: string,
): T | undefined {
  const [first, ...more] = matchReferences(all, nameOf, reference);
  if (more.length > 0) {
    throw new GangwayError('network-not-found', `network ${reference} is ambiguous: ${more.length + 1} ids begin so`, {
      hint: 'write more of the id',
    });
  }
  return first;
}

export function networkNotFound(reference: string): GangwayError {
  return new GangwayError('network-not-found', `network ${reference || '""'} not found`, {
    hint: '`gangway network ls` lists all of them',
  });
}

/** The default bridge's record, once a container has needed it. */
export function findDefault(networks: readonly NetworkRecord[]): NetworkRecord | undefined {
  return networks.find(({ network }) => network.name === 'bridge');
}

/** The default bridge as it will be. */
function draftDefault(context: Source, world: KernelHandles): NetworkRecord {
  const { identities } = context;
  const subnets = defaultSubnets(subnetsInUse(context, world));
  return {
    id: predefinedNetworkId('bridge'),
    createdAt: new Date().toISOString(),
    network: {
      ...defaultPolicy,
      kind: 'bridge',
      name: 'bridge',
      bridge: defaultBridge,
      mac: identities.mac(),
      mtuBytes: uplinkMtuBytes(world),
      subnets,
      ...chooseGsoSizes({ internal: false, subnets }, largeSegments(world)),
    },
  };
}

/** 172.17.0.0/16 unless something of the machine overlaps it. */
function defaultSubnets(taken: readonly TakenPrefix[]): readonly Subnet[] {
  const request = { families: [4], pools: [], internal: false, driver: plainBridge } as const;
  return choosePools(request, taken, machinePrefix());
}

/**
 * Every subnet that a new network may not have: of our networks, of the default bridge also before it is needed, and
 * whatever the machine has a way to.
 */
export function takenPrefixes(context: Source, world: KernelHandles): readonly TakenPrefix[] {
  const taken = subnetsInUse(context, world);
  if (findDefault(context.records.everyNetwork()) !== undefined) return taken;
  const ofBridge = defaultSubnets(taken).map(({ subnet }) => ({ prefix: subnet, by: 'network bridge' as const }));
  return [...taken, ...ofBridge];
}

function subnetsInUse({ records }: Source, world: KernelHandles): readonly TakenPrefix[] {
  const ours: readonly TakenPrefix[] = records
    .everyNetwork()
    .flatMap(({ network }) =>
      network.subnets.map(({ subnet }) => ({ prefix: subnet, by: `network ${network.name}` as const })),
    );
  return [...ours, ...reachable(world), ...nameServers()];
}

/**
 * Is anybody plugged into a bridge, whom no record of ours may know?
 *
 * Not those whom we have just unplugged: their links stay some 30 ms longer, disabled.
 */
export function isBridgeBusy(links: readonly Link[], bridge: string): boolean {
  const index = links.find(({ name }) => name === bridge)?.index;
  return index !== undefined && links.some(({ master, portEnabled }) => portEnabled && master === index);
}

/** The predefined networks, `bridge` as it is or as it will be, and those that somebody made, by name. */
export function listNetworks({ records }: { readonly records: Records }): readonly NetworkSummary[] {
  const all = records.networks();
  const containers = containersWithRun(records.containers(), bootId());
  const standard = findDefault(all);
  const own = all.filter((record) => record !== standard).map((record) => summarize(record, containers));
  const ready = predefined(records.directories.state).map((network) => {
    if (network.name === 'bridge' && standard !== undefined) return summarize(standard, containers);
    return { ...network, dangling: !containers.some((container) => hasMode(container, network.name)) };
  });
  return [...ready, ...own].toSorted((a, b) => order(a.name, b.name));
}

function summarize(
  { id, createdAt, request, network }: NetworkRecord,
  containers: readonly RunningContainer[],
): NetworkSummary {
  const families = [...new Set(network.subnets.map(({ subnet }) => subnet.address.family))].toSorted();
  return {
    id,
    name: network.name,
    driver: network.kind,
    scope: 'local',
    createdAt: new Date(createdAt),
    families,
    internal: network.internal,
    labels: request?.labels ?? {},
    dangling: !containers.some(({ life }) => life.plugs.some(({ networkId }) => networkId === id)),
  };
}

/** Does it live in the machine's stack, or in one without networks? */
export function hasMode({ network }: RunningContainer, name: string): boolean {
  return network.kind === name;
}

/** All three, as they are while the default bridge has not been needed. */
function predefined(stateDirectory: string): readonly NetworkSummary[] {
  const createdAt = createdSince(stateDirectory);
  const all = { scope: 'local', families: [4], internal: false, labels: {}, dangling: true } as const;
  return [
    { id: predefinedNetworkId('bridge'), createdAt: new Date(zeroTime), name: 'bridge', driver: 'bridge', ...all },
    { id: predefinedNetworkId('host'), createdAt, name: 'host', driver: 'host', ...all },
    { id: predefinedNetworkId('none'), createdAt, name: 'none', driver: 'null', ...all },
  ];
}

/** Docker's word for a moment that has not come. */
export const zeroTime = '0001-01-01T00:00:00Z';
export function predefinedNetworkId(name: string): string {
  return createHash('sha256').update(`gangway network ${name}`).digest('hex');
}

/** With Docker they are there since its daemon first ran; with us, since the state directory was made. */
function createdSince(stateDirectory: string): Date {
  const found = ignoring(['ENOENT', 'ENOTDIR'], () => statSync(stateDirectory));
  return found === undefined ? new Date(zeroTime) : found.birthtime;
}
