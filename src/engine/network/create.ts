import type { Link } from '../../kernel/link.ts';
import { chooseGsoSizes } from '../../networks/big-tcp.ts';
import { type BridgeNetwork, optionsOf } from '../../networks/bridge.ts';
import type { Network } from '../../networks/network.ts';
import { chooseParent, type Parent } from '../../networks/parent-interface.ts';
import type { KernelHandles } from '../../plan/kernel-handles.ts';
import { choosePools } from '../../services/ipam.ts';
import { GangwayError } from '../../values/errors.ts';
import { shortId } from '../../values/id.ts';
import type { BridgeRequest, IpvlanRequest, MacvlanRequest, NetworkRequest, Subnet } from '../../values/network.ts';
import { checkNetworkRequest } from '../../values/network-grammar.ts';
import { invalidNetwork } from '../../values/option-row.ts';
import { applyChange, type Context, withLock } from '../context.ts';
import { networkEvent } from '../events/build.ts';
import { largeSegments, machinePrefix, uplinkMtuBytes } from '../host-facts.ts';
import { planPrerequisites } from '../sandbox/prerequisites.ts';
import { bridgeName, defaultBridge, takenPrefixes } from '../store/network-lookup.ts';
import type { NetworkRecord } from '../store/record.ts';

/**
 * `gangway network create`: chooses subnets, makes the switch.
 *
 * @returns the network's id
 * @throws GangwayError network-exists, pool-overlaps, pool-exhausted; invalid-network for what can't be had
 */
export async function createNetwork(context: Context, asked: NetworkRequest): Promise<string> {
  const request = checkNetworkRequest(asked);
  return await withLock(context, async (world) => {
    refuseName(context, request.name);
    const record = draftNetwork(context, world, request);
    const ground = planPrerequisites(context, world, { networks: [record] });
    await applyChange(context, world, {
      plan: { subject: `create network ${request.name}`, direction: 'make', steps: ground.steps },
      records: ground.records,
      events: [networkEvent(record, 'create')],
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
  const { link = bridgeName(id), mtuBytes = uplinkMtuBytes(world) } = driver;
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
