/**
 * Networks as the engine knows them: by name or id, the predefined ones among them.
 *
 * Three are predefined, with Docker's names. `none` and `host` have nothing to remember; `bridge` gets a record when the
 * first container needs it. Its link and the ruleset then stay, as docker0 does, until `gangway gc` finds that nobody
 * needs them.
 */
import type { Link } from '../../kernel/link.ts';
import { chooseGsoSizes } from '../../networks/big-tcp.ts';
import { optionsOf } from '../../networks/bridge.ts';
import type { KernelHandles } from '../../plan/kernel-handles.ts';
import { choosePools, type TakenPrefix } from '../../services/ipam.ts';
import { plainBridge } from '../../values/bridge-options.ts';
import { GangwayError } from '../../values/errors.ts';
import { shortId } from '../../values/id.ts';
import type { Subnet } from '../../values/network.ts';
import type { Context } from '../context.ts';
import { largeSegments, machinePrefix, nameServers, reachable, uplinkMtuBytes } from '../host-facts.ts';
import { idOf } from './predefined-networks.ts';
import { allMeant, type NetworkRecord } from './record.ts';

/** The default bridge's link, as `docker0` is Docker's. */
export const defaultBridge = 'gangway0';

/** The link of a network for which nobody has chosen one, as Docker calls it. */
export function ordinaryBridge(id: string): string {
  return `br-${shortId(id)}`;
}

/** What a bridge does about the world unless somebody wants it otherwise. */
export const ordinary = { ...optionsOf(plainBridge), internal: false };

/**
 * The network that somebody names: by its id, its name, or the beginning of its id; the default bridge also before it was
 * ever needed.
 *
 * @throws GangwayError network-not-found, pool-exhausted
 */
export function resolveNetwork(context: Context, world: KernelHandles, reference: string): NetworkRecord {
  const all = context.records.everyNetwork();
  const meant = reference === 'default' ? 'bridge' : reference;
  const found = lookUp(all, meant);
  if (found !== undefined) return found;
  const unneeded = [{ id: idOf('bridge') }];
  if (findMeant(unneeded, () => 'bridge', meant) === undefined) throw notFound(reference);
  return draftDefault(context, world);
}

/** As `resolveNetwork`, for who only reads. @throws GangwayError network-not-found where several are meant */
export function lookUp(all: readonly NetworkRecord[], reference: string): NetworkRecord | undefined {
  return findMeant(all, ({ network }) => network.name, reference);
}

/** The only one that is meant, if any. @throws GangwayError network-not-found where several are */
export function findMeant<T extends { readonly id: string }>(
  all: readonly T[],
  nameOf: (network: T) => string,
  reference: string,
): T | undefined {
  const [first, ...more] = allMeant(all, nameOf, reference);
  if (more.length > 0) {
    throw new GangwayError('network-not-found', `network ${reference} is ambiguous: ${more.length + 1} ids begin so`, {
      hint: 'write more of the id',
    });
  }
  return first;
}

export function notFound(reference: string): GangwayError {
  return new GangwayError('network-not-found', `network ${reference || '""'} not found`, {
    hint: '`gangway network ls` lists all of them',
  });
}

/** The default bridge's record, once a container has needed it. */
export function findDefault(networks: readonly NetworkRecord[]): NetworkRecord | undefined {
  return networks.find(({ network }) => network.name === 'bridge');
}

/** The default bridge as it will be. */
function draftDefault(context: Context, world: KernelHandles): NetworkRecord {
  const { identities } = context;
  const subnets = defaultSubnets(subnetsInUse(context, world));
  return {
    id: idOf('bridge'),
    createdAt: new Date().toISOString(),
    network: {
      ...ordinary,
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
export function takenPrefixes(context: Context, world: KernelHandles): readonly TakenPrefix[] {
  const taken = subnetsInUse(context, world);
  if (findDefault(context.records.everyNetwork()) !== undefined) return taken;
  const ofBridge = defaultSubnets(taken).map(({ subnet }) => ({ prefix: subnet, by: 'network bridge' as const }));
  return [...taken, ...ofBridge];
}

function subnetsInUse({ records }: Context, world: KernelHandles): readonly TakenPrefix[] {
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
