/**
 * The ground on which containers stand: the ruleset, forwarding, their networks. Only what is missing is made.
 *
 * Somebody may have flushed the rules or deleted a bridge since. Then all that our records say belongs there is put
 * back, before a new container gets its place: closed, and not half open.
 */
import { isFirewallStep } from '../../firewall/backend.ts';
import { listForeignFirewalls } from '../../firewall/foreign-firewalls.ts';
import { bootId } from '../../kernel/boot.ts';
import { ipv4Forwarding, ipv6Forwarding } from '../../kernel/forwarding.ts';
import { enableForwarding, enablesForwarding } from '../../networks/masquerade.ts';
import { createNetwork, linkOf, type Network } from '../../networks/network.ts';
import { isTransparent, returnPath } from '../../networks/transparent-source.ts';
import type { RecordChange } from '../../plan/change.ts';
import type { KernelHandles } from '../../plan/kernel-handles.ts';
import type { Step } from '../../plan/step.ts';
import type { Address, Family } from '../../values/address.ts';
import { GangwayError } from '../../values/errors.ts';
import type { Forward } from '../../values/port.ts';
import type { Context } from '../context.ts';
import { raiseGuard } from '../firewall/anti-spoofing.ts';
import { activeBackend, isLoaded, requestedBackend } from '../firewall/backend-selection.ts';
import { warnOfForeignRules } from '../firewall/reconcile.ts';
import { factsOf } from '../firewall/repair.ts';
import { kernelFamilies } from '../host-facts.ts';
import { isInstalled, isInstalledAsRecorded, missingSteps } from '../store/installed-state.ts';
import {
  type ContainerRecord,
  containersWithRun,
  hasRun,
  type MachineRecord,
  type NetworkRecord,
} from '../store/record.ts';

/** What has to be made for networks to stand, and the records that will say so. */
export interface Prerequisites {
  readonly steps: readonly Step[];
  readonly records: readonly RecordChange[];
}

interface PrerequisiteRequest {
  readonly networks: readonly NetworkRecord[];
  /** The container that is plugged in: without one the machine need not forward. `begins`: it has no plug yet. */
  readonly forwardFor?: { readonly id: string; readonly begins: boolean };
  /** The published ports that come with it. */
  readonly forwards?: readonly Forward[];
  /** Of each network and family, the address that is about to be given out. */
  readonly cursors?: Readonly<Record<string, Address>>;
}

export function planPrerequisites(context: Context, world: KernelHandles, wanted: PrerequisiteRequest): Prerequisites {
  const { records } = context;
  const firewall = activeBackend(context);
  const machine = records.machine();
  const boot = bootId();
  const standing = wanted.networks.map((record, index) =>
    planNetwork(context, world, record, { boot, earlier: wanted.networks.slice(0, index) }),
  );
  // What has no bridge never passes our rules.
  const bridged = wanted.networks.some(({ network }) => network.kind === 'bridge');
  warnOfForeignRules(context, firewall, wanted.networks);
  const guard = raiseGuard(context, world, wanted.networks);
  // What a record says is loaded has been looked at before this change (settle.ts).
  const loaded = !bridged || machine.ruleset.length > 0 || isLoaded(context, world, firewall);
  const ruleset = loaded ? [] : firewall.load();
  const lost = loaded ? [] : factsOf(context, wanted.networks);
  const forward = forwardingFor(context, world, machine, wanted);
  const back = planReturnPath(context, world, wanted.forwards ?? []);
  const after: MachineRecord = {
    ...machine,
    ...requestedBackend(context),
    ruleset: loaded ? machine.ruleset : ruleset,
    ...(guard.rules.length === 0 ? {} : { guard: guard.rules }),
    forwarding: forward.record,
    ...(back.record.length === 0 ? {} : { wayBack: back.record }),
    ...(forward.begins && { neighbours: listForeignFirewalls(context.host().netfilter).map(({ where }) => where) }),
    cursors: { ...machine.cursors, ...wanted.cursors },
  };
  return {
    steps: [
      ...ruleset,
      ...lost,
      ...guard.rules,
      ...guard.known,
      ...forward.steps,
      ...back.steps,
      ...standing.flatMap(({ missing }) => missing),
    ],
    records: [
      ...standing.flatMap(({ record, made, isNew }) =>
        isNew ? [records.put('networks', { ...record, made: { boot, steps: made } })] : [],
      ),
      records.putMachine(after),
    ],
  };
}

/** When a network gets its turn. */
interface PlanPosition {
  readonly boot: string;
  /** Those whose steps come before its own. */
  readonly earlier: readonly NetworkRecord[];
}

/**
 * What of a network has to be made: all of it in a new boot, or only what somebody took away. Who has deleted a bridge has
 * left the firewall what it knows of it.
 */
function planNetwork(context: Context, world: KernelHandles, record: NetworkRecord, { boot, earlier }: PlanPosition) {
  const { made, network } = record;
  const stands = made?.boot === boot && hasLink(world, network);
  const steps = stands ? made.steps : createSteps(context, world, network, earlier);
  const isThere = (step: Step) =>
    stands ? isInstalledAsRecorded(context, world, step) : outlivesBridge(step) && isInstalled(context, world, step);
  const missing = steps.filter((step) => !isThere(step));
  return { record, made: steps, missing, isNew: !stands };
}

/**
 * A link that the machine has made itself since is not ours: as a parent it is used as it is found, like one that an earlier
 * network of the same plan makes, but no bridge of somebody else's gets our addresses.
 *
 * @throws GangwayError network-exists
 */
function createSteps(
  context: Context,
  world: KernelHandles,
  network: Network,
  earlier: readonly NetworkRecord[],
): readonly Step[] {
  const link = linkOf(network);
  const isThere = earlier.some((other) => linkOf(other.network) === link) || world.findLink('host', link) !== undefined;
  if (!isThere) return createNetwork(network, kernelFamilies(), activeBackend(context));
  if (network.kind !== 'bridge') return [];
  throw new GangwayError(
    'network-exists',
    `network ${network.name} can't have bridge ${link}: a link of somebody else's has this name`,
    {
      hint: `delete it, if nobody needs it: \`ip link delete ${link}\``,
    },
  );
}

/** Is it still there when somebody has deleted the bridge, and all that was the link's? */
function outlivesBridge(step: Step): boolean {
  return isFirewallStep(step) || step.kind === 'routing-rule';
}

/** A link of the right kind: somebody may have deleted ours and made another one of its name. */
function hasLink(world: KernelHandles, network: Network): boolean {
  const found = world.findLink('host', linkOf(network));
  return found !== undefined && (network.kind !== 'bridge' || found.kind === 'bridge');
}

/**
 * What has to be turned on, and what will have been: each family by itself. What somebody else has turned off since is
 * turned on again. So is, in a dry run, what ends with the container's last life: that end was told, and not made.
 */
function forwardingFor(
  context: Context,
  world: KernelHandles,
  { forwarding: before }: MachineRecord,
  { networks, forwardFor }: PrerequisiteRequest,
) {
  if (forwardFor === undefined) return { steps: [], record: before, begins: false };
  // Nothing of an internal network is ever passed on.
  const subnets = networks.flatMap(({ network }) =>
    network.kind === 'bridge' && !network.internal ? network.subnets : [],
  );
  const missing = (family: Family) =>
    subnets.some(({ subnet }) => subnet.address.family === family) &&
    !before.some((step) => enablesForwarding(step, family));
  const ipv6 = missing(6) ? ipv6Forwarding() : undefined;
  const needed = { ...(missing(4) ? { ipv4: ipv4Forwarding() } : {}), ...(ipv6 === undefined ? {} : { ipv6 }) };
  const fresh = enableForwarding(needed, activeBackend(context));
  const last = context.records.containerById(forwardFor.id);
  const hasEnded = forwardFor.begins && last !== undefined && canDisableForwarding(context, last);
  const isOff = (step: Step) => hasEnded || !isInstalledAsRecorded(context, world, step);
  return {
    steps: [...before.filter(isOff), ...fresh],
    record: [...before, ...fresh],
    begins: before.length === 0 && fresh.length > 0,
  };
}

/** What ends with the last plug of the last container, and the record that will say so. */
export function disableForwarding(context: Context, record: ContainerRecord): Prerequisites {
  if (!canDisableForwarding(context, record)) return { steps: [], records: [] };
  const machine = context.records.machine();
  return { steps: machine.forwarding, records: [context.records.putMachine({ ...machine, forwarding: [] })] };
}

/** With the last plug of the last container, the machine stops forwarding, if it was us who began and nobody counts on it. */
function canDisableForwarding(context: Context, record: ContainerRecord): boolean {
  const isPlugged = hasRun(record, bootId()) && record.life.plugs.length > 0;
  const isOver = isPlugged && context.records.machine().forwarding.length > 0 && isLastEndpoint(context, record.id);
  return isOver && newForeignFirewall(context) === undefined;
}

/**
 * Somebody whose rules about forwarded packets have come since the machine began to forward. Docker, say, found it
 * forwarding then, and counts on it: it goes on, and for strangers it stays closed.
 */
export function newForeignFirewall({ records, host }: Context): string | undefined {
  const { neighbours = [] } = records.machine();
  return listForeignFirewalls(host().netfilter).find(({ where }) => !neighbours.includes(where))?.where;
}

/** Is no other container plugged into a network? */
function isLastEndpoint({ records }: Context, id: string): boolean {
  return !containersWithRun(records.containers(), bootId()).some(
    (other) => other.id !== id && other.life.plugs.length > 0,
  );
}

/** What of it has to be made for these ports, and all of it as the machine's record will have it. */
function planReturnPath(context: Context, world: KernelHandles, forwards: readonly Forward[]) {
  const { wayBack: standing = [] } = context.records.machine();
  if (!isTransparent(forwards)) return { steps: [], record: standing };
  const wanted = standing.length > 0 ? standing : returnPath(kernelFamilies());
  return { steps: missingSteps(context, world, wanted), record: wanted };
}
