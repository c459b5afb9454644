/** Making networks, and removing them. */
import { linksIn } from '../../firewall/backend.ts';
import { learnedSets } from '../../firewall/dns-egress-elements.ts';
import { bootId } from '../../kernel/boot.ts';
import type { Link } from '../../kernel/link.ts';
import { chooseGsoSizes } from '../../networks/big-tcp.ts';
import { type BridgeNetwork, optionsOf } from '../../networks/bridge.ts';
import { linkOf, type Network } from '../../networks/network.ts';
import { chooseParent, type Parent } from '../../networks/parent-interface.ts';
import type { KernelHandles } from '../../plan/kernel-handles.ts';
import type { Step } from '../../plan/step.ts';
import { choosePools } from '../../services/ipam.ts';
import { allowsNames } from '../../values/egress.ts';
import { GangwayError } from '../../values/errors.ts';
import { shortId } from '../../values/id.ts';
import {
  type BridgeRequest,
  type IpvlanRequest,
  type MacvlanRequest,
  type NetworkRequest,
  predefinedNames,
  type Subnet,
} from '../../values/network.ts';
import { checkNetworkRequest } from '../../values/network-grammar.ts';
import { invalidNetwork } from '../../values/option-row.ts';
import { endLife } from '../container/teardown.ts';
import { isAboutToRestart, isAlive, isUnwatched, lastOf } from '../container-state.ts';
import { type Context, carry, exclusively } from '../context.ts';
import { ofNetwork } from '../events/build.ts';
import { standingBackend } from '../firewall/backend-selection.ts';
import { largeSegments, machinePrefix, uplinkMtuBytes } from '../host-facts.ts';
import { prepareGround } from '../sandbox/prerequisites.ts';
import { defaultBridge, lookUp, notFound, ordinaryBridge, takenPrefixes } from '../store/network-lookup.ts';
import { cursorsOf, living, type NetworkRecord, standingSteps } from '../store/record.ts';

/**
 * `gangway network create`: chooses subnets, makes the switch.
 *
 * @returns the network's id
 * @throws GangwayError network-exists, pool-overlaps, pool-exhausted; invalid-network for what can't be had
 */
export async function createNetwork(context: Context, asked: NetworkRequest): Promise<string> {
  const request = checkNetworkRequest(asked);
  return await exclusively(context, async (world) => {
    refuseName(context, request.name);
    const record = draftNetwork(context, world, request);
    const ground = prepareGround(context, world, { networks: [record] });
    await carry(context, world, {
      plan: { subject: `create network ${request.name}`, direction: 'make', steps: ground.steps },
      records: ground.records,
      events: [ofNetwork(record, 'create')],
    });
    return record.id;
  });
}

function refuseName({ records }: Context, name: string): void {
  if (records.everyNetwork().some(({ network }) => network.name === name)) {
    throw new GangwayError('network-exists', `network ${name} exists already`, {
      hint: `\`gangway network inspect ${name}\` shows it`,
    });
  }
}

function draftNetwork(context: Context, world: KernelHandles, request: NetworkRequest): NetworkRecord {
  const { identities } = context;
  const id = identities.id();
  const subnets = choosePools(request, takenPrefixes(context, world), machinePrefix());
  return {
    id,
    createdAt: new Date().toISOString(),
    request,
    network: resolve(context, world, { id, request, subnets }),
  };
}

interface Drafted {
  readonly id: string;
  readonly request: NetworkRequest;
  readonly subnets: readonly Subnet[];
}

/** What was asked for, with everything chosen that was left open. */
function resolve(context: Context, world: KernelHandles, drafted: Drafted): Network {
  const { driver } = drafted.request;
  return driver.kind === 'bridge'
    ? resolveBridge(context, world, drafted, driver)
    : resolveOnParent(context, world, drafted, driver);
}

/** A network on a link that is there, or on one that is made for it and is called as Docker calls it. */
function resolveOnParent(
  { records }: Context,
  world: KernelHandles,
  { id, request, subnets }: Drafted,
  driver: MacvlanRequest | IpvlanRequest,
): Network {
  const prefix = driver.kind === 'macvlan' ? 'dm' : 'di';
  const exists = (link: string) => world.findLink('host', link) !== undefined;
  const chosen = chooseParent(driver.parent, `${prefix}-${shortId(id)}`, exists);
  const parent = chosen.kind === 'found' ? (parentOfOurs(records.everyNetwork(), chosen.link) ?? chosen) : chosen;
  const rival = records.everyNetwork().find(({ network }) => exclude(network, driver, parent.link));
  if (rival !== undefined) {
    throw new GangwayError('network-exists', `network ${rival.network.name} has parent ${parent.link} already`, {
      hint: 'a parent carries one ipvlan network, or one macvlan in the mode passthru, or several macvlans',
    });
  }
  requireSmaller(driver, request.name, world.findLink('host', parent.link));
  const { kind: _, parent: __, linkPrefix: ___, ...options } = driver;
  const common = { name: request.name, parent, subnets, internal: request.internal };
  return { kind: driver.kind, ...options, ...common } as Network;
}

/** The kernel makes no link with a larger MTU than its parent has, and would say so when the first container comes. */
function requireSmaller(
  { mtuBytes = 0 }: MacvlanRequest | IpvlanRequest,
  name: string,
  parent: Link | undefined,
): void {
  if (parent === undefined || mtuBytes <= parent.mtu) return;
  throw invalidNetwork(
    `network ${name} can't have an MTU of ${mtuBytes}: its parent ${parent.name} has one of ${parent.mtu}`,
    'choose a smaller one, or leave it out: then it is the parent’s',
  );
}

/** Of a link that was made for one network, every network on it knows how: in another boot any of them may need it first. */
function parentOfOurs(networks: readonly NetworkRecord[], link: string): Parent | undefined {
  return networks
    .flatMap(({ network }) => (network.kind === 'bridge' ? [] : [network.parent]))
    .find((parent) => parent.kind !== 'found' && parent.link === link);
}

/** The kernel keeps mode and flag of ipvlan with the parent, and gives a whole link away in passthru. */
function exclude(network: Network, driver: MacvlanRequest | IpvlanRequest, parent: string): boolean {
  if (network.kind === 'bridge' || network.parent.link !== parent) return false;
  return network.kind !== driver.kind || driver.kind === 'ipvlan' || [network.mode, driver.mode].includes('passthru');
}

function resolveBridge(
  { identities, records }: Context,
  world: KernelHandles,
  { id, request, subnets }: Drafted,
  driver: BridgeRequest,
): BridgeNetwork {
  const { link = ordinaryBridge(id), mtuBytes = uplinkMtuBytes(world) } = driver;
  const owner =
    link === defaultBridge
      ? 'bridge'
      : records.everyNetwork().find(({ network }) => network.kind === 'bridge' && network.bridge === link)?.network
          .name;
  if (owner !== undefined || world.findLink('host', link) !== undefined) {
    const by = owner === undefined ? `there is a link ${link} already` : `that is the one of network ${owner}`;
    throw new GangwayError('network-exists', `network ${request.name} can't have bridge ${link}: ${by}`, {
      hint: 'choose another com.docker.network.bridge.name',
    });
  }
  return {
    ...optionsOf(driver),
    kind: 'bridge',
    name: request.name,
    bridge: link,
    mac: identities.mac(),
    mtuBytes,
    subnets,
    internal: request.internal,
    ...chooseGsoSizes({ ...driver, internal: request.internal, subnets }, largeSegments(world)),
    ...(request.egress === undefined ? {} : { egress: request.egress }),
  };
}

/**
 * `gangway network rm`.
 *
 * @returns the network's name
 * @throws GangwayError network-not-found; network-in-use for a predefined one, and else with who uses it
 */
export async function removeNetwork(context: Context, reference: string): Promise<string> {
  return await exclusively(context, async (world) => {
    const record = lookUp(context.records.everyNetwork(), reference);
    const called = record?.network.name ?? reference;
    if (predefinedNames.includes(called)) {
      throw new GangwayError('network-in-use', `network ${called} is predefined and can't be removed`);
    }
    if (record === undefined) throw notFound(reference);
    await leaveUnused(context, world, record);
    const { name } = record.network;
    const standing = standingSteps(record, bootId());
    const heir = heirOf(context, record, standing);
    const machine = context.records.machine();
    const others = context.records.everyNetwork().filter(({ id }) => id !== record.id);
    await carry(context, world, {
      plan: {
        subject: `remove network ${name}`,
        direction: 'unmake',
        steps: heir === undefined ? [...standing, ...learnedBy(context, world, record)] : [],
      },
      records: [
        context.records.drop('networks', record.id),
        ...(heir === undefined ? [] : [context.records.put('networks', heir)]),
        context.records.putMachine({ ...machine, cursors: cursorsOf(machine, others) }),
      ],
      events: [ofNetwork(record, 'destroy')],
    });
    return name;
  });
}

/** What name servers have opened to it. */
function learnedBy(context: Context, world: KernelHandles, { network }: NetworkRecord): readonly Step[] {
  if (network.kind !== 'bridge' || network.egress === undefined || !allowsNames(network.egress)) return [];
  return standingBackend(context)
    .installed(world, 'what was learned for the network goes with it', learnedSets)
    .map(({ step }) => step)
    .filter((step) => linksIn(step).includes(network.bridge));
}

/** Of a parent that was made for one network and carries others by now, the next one becomes the owner. */
function heirOf(
  { records }: Context,
  { id, network, made }: NetworkRecord,
  standing: readonly Step[],
): NetworkRecord | undefined {
  if (network.kind === 'bridge' || made === undefined || standing.length === 0) return undefined;
  const heir = records.everyNetwork().find((other) => other.id !== id && linkOf(other.network) === linkOf(network));
  return heir === undefined ? undefined : { ...heir, made };
}

/**
 * Who lives there keeps it. Who has ended, and nobody was there to clean up, is cleaned up first: his published ports would
 * lead to whoever gets his address next.
 *
 * @throws GangwayError network-in-use
 */
async function leaveUnused(context: Context, world: KernelHandles, { id, network }: NetworkRecord): Promise<void> {
  const plugged = living(context.records.containers(), bootId()).filter(({ life }) =>
    life.plugs.some(({ networkId }) => networkId === id),
  );
  const users = plugged.filter(
    (record) => isAlive(record.life) || isUnwatched(record.life) || isAboutToRestart(record),
  );
  if (users.length > 0) {
    const names = users.map(({ name }) => name);
    throw new GangwayError('network-in-use', `network ${network.name} is in use by ${names.join(', ')}`, {
      hint: `\`gangway network disconnect ${network.name} ${names[0]}\` unplugs one, \`gangway stop\` ends it`,
    });
  }
  for (const record of plugged) await endLife(context, world, record, lastOf(record));
}
