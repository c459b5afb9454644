/**
 * Networks as the engine knows them: which one a container asks for, and what must be made before it can be plugged in.
 *
 * Three are predefined, with Docker's names. `none` and `host` have nothing to remember; `bridge` gets a record when the
 * first container needs it. Its link and the ruleset then stay, as docker0 does, until `gangway gc` finds that nobody
 * needs them.
 */
import { loadRuleset, table } from '../firewall/nftables.ts';
import { bootId } from '../kernel/boot.ts';
import { findLink, listLinks } from '../kernel/link.ts';
import { createBridge, type Endpoint } from '../networks/bridge.ts';
import { forwarding } from '../networks/outbound.ts';
import { kindOf } from '../plan/kind.ts';
import type { Step } from '../plan/step.ts';
import type { World } from '../plan/world.ts';
import { chooseAddress, chooseSubnet, firstHost } from '../services/ipam.ts';
import type { Address } from '../values/address.ts';
import { GangwayError } from '../values/errors.ts';
import { macOf } from '../values/mac.ts';
import type { Context } from './context.ts';
import { hasRuleset, ipForward, reachable, uplinkMtuBytes } from './observe.ts';
import type { ContainerRecord, MachineRecord, NetworkRecord } from './records.ts';

/** The default bridge's link, as `docker0` is Docker's. */
export const defaultBridge = 'gangway0';

export type NetworkChoice =
  | { readonly kind: 'none' }
  | { readonly kind: 'host' }
  | { readonly kind: 'bridge'; readonly record: NetworkRecord };

/** The network that a container names. @throws GangwayError network-not-found, pool-exhausted */
export function chooseNetwork(context: Context, world: World, name: string): NetworkChoice {
  if (name === 'none' || name === 'host') return { kind: name };
  if (name !== 'bridge' && name !== 'default') {
    throw new GangwayError('network-not-found', `network ${name} not found`, {
      hint: '`gangway network ls` lists all of them',
    });
  }
  return { kind: 'bridge', record: findDefault(context.records.everyNetwork()) ?? draftDefault(context, world) };
}

/** The default bridge's record, once a container has needed it. */
export function findDefault(networks: readonly NetworkRecord[]): NetworkRecord | undefined {
  return networks.find(({ network }) => network.name === 'bridge');
}

/** The default bridge as it will be: 172.17.0.0/16 unless something of the machine overlaps it. */
function draftDefault({ identities }: Context, world: World): NetworkRecord {
  const subnet = chooseSubnet(reachable(world));
  return {
    id: identities.id(),
    createdAt: new Date().toISOString(),
    network: {
      name: 'bridge',
      bridge: defaultBridge,
      mac: identities.mac(),
      mtuBytes: uplinkMtuBytes(world),
      subnets: [{ subnet, gateway: firstHost(subnet) }],
    },
  };
}

/** A plug for a container: names, a MAC, and the next free address. */
export function draftEndpoint(
  { identities, records }: Context,
  record: NetworkRecord,
): { readonly endpoint: Endpoint; readonly cursor: Address } {
  const { network } = record;
  const [subnet] = network.subnets;
  if (subnet === undefined) throw new GangwayError('pool-exhausted', `network ${network.name} has no subnet`);
  const last = records.machine().cursors?.[record.id];
  const address = chooseAddress(subnet.subnet, [subnet.gateway, ...usedAddresses(records.everyContainer())], last);
  const id = identities.id();
  return {
    cursor: address,
    endpoint: {
      id,
      hostLink: `veth${id.slice(0, 7)}`,
      link: 'eth0',
      mac: macOf(address),
      addresses: [{ address, length: subnet.subnet.length }],
    },
  };
}

function usedAddresses(containers: readonly ContainerRecord[]): readonly Address[] {
  return containers.flatMap(({ life }) => (life?.endpoint?.addresses ?? []).map(({ address }) => address));
}

/** What has to be made once for all containers of a network, and the records that will say so. */
export interface Ground {
  readonly steps: readonly Step[];
  readonly machine: MachineRecord;
  readonly network: NetworkRecord;
  /** Is it made now, or again? Else its record stays as it is, and the disk is left alone. */
  readonly made: boolean;
}

/**
 * The ground on which an endpoint stands: the ruleset, forwarding, the bridge. Only what is missing.
 *
 * Somebody may have flushed the rules or deleted the bridge since. Then all that our records say belongs there is put
 * back, before the new container gets its place: closed, and not half open.
 *
 * @param id the container's, and the address that it gets; what was turned on for its last life alone has ended with that, or will have when it starts
 */
export function prepareGround(
  context: Context,
  world: World,
  record: NetworkRecord,
  { id, cursor }: { readonly id: string; readonly cursor: Address },
): Ground {
  const machine = context.records.machine();
  const boot = bootId();
  const standing = record.made?.boot === boot && world.findLink('host', record.network.bridge)?.kind === 'bridge';
  const made = standing ? (record.made?.steps ?? []) : createBridge(record.network);
  const bridge = standing ? [] : made.filter((step) => !kindOf(context.kinds, step).holds(step, world));
  const loaded = hasRuleset(world, table);
  const ruleset = loaded ? [] : [loadRuleset()];
  const lost = loaded
    ? []
    : elementsOf([...(standing ? made : []), ...machine.forwarding, ...livingSteps(context, boot)]);
  const before = machine.forwarding;
  const kept = isAlone(context, id) ? before : [];
  const forward = before.length === 0 ? forwarding({ ipForward: ipForward() }) : kept;
  return {
    steps: [...ruleset, ...lost, ...forward, ...bridge],
    machine: {
      ...machine,
      ruleset: loaded ? machine.ruleset : ruleset,
      forwarding: before.length === 0 ? forward : before,
      cursors: { ...machine.cursors, [record.id]: cursor },
    },
    network: { ...record, made: { boot, steps: made } },
    made: !standing,
  };
}

function elementsOf(steps: readonly Step[]): readonly Step[] {
  return steps.filter(({ kind }) => kind === 'element');
}

function livingSteps({ records }: Context, boot: string): readonly Step[] {
  return records.containers().flatMap(({ life }) => (life?.boot === boot ? life.steps : []));
}

/** With the last container on a bridge, the machine stops forwarding, if it was us who began. */
export function forwardingToUndo(context: Context, { id, life }: ContainerRecord): readonly Step[] {
  return life?.endpoint !== undefined && isAlone(context, id) ? context.records.machine().forwarding : [];
}

/** Is no other container plugged into a bridge? */
function isAlone({ records }: Context, id: string): boolean {
  return !records.containers().some((other) => other.id !== id && other.life?.endpoint !== undefined);
}

/**
 * Is anybody plugged into the default bridge, whom no record of ours may know?
 *
 * Not those whom we have just unplugged: their links stay some 30 ms longer, disabled.
 */
export function isBridgeBusy(world: World): boolean {
  const { route } = world.namespace('host');
  const bridge = findLink(route, defaultBridge);
  return (
    bridge !== undefined && listLinks(route).some(({ master, portEnabled }) => portEnabled && master === bridge.index)
  );
}

/** The default bridge's step, where its record was lost and the link is still there. */
export function forgottenBridge(world: World): readonly Step[] {
  const found = world.findLink('host', defaultBridge);
  if (found?.kind !== 'bridge' || found.mac === undefined) return [];
  return [
    { kind: 'bridge', in: 'host', name: defaultBridge, mac: found.mac, mtuBytes: found.mtu, why: 'no record knows it' },
  ];
}
