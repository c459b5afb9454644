/** Which of the two back ends carries out the policy: the one that stands, and where it moves to. */
import { isDeepStrictEqual } from 'node:util';
import { type Backend, type BackendName, isFirewallStep } from '../../firewall/backend.ts';
import { listForeignFirewalls } from '../../firewall/foreign-firewalls.ts';
import { detectVariant, isInstalled } from '../../firewall/iptables/program.ts';
import { iptables } from '../../firewall/iptables.ts';
import { nftables } from '../../firewall/nftables.ts';
import { bootId } from '../../kernel/boot.ts';
import { findProgram } from '../../kernel/run-program.ts';
import { bridgePolicySteps } from '../../networks/bridge.ts';
import { closesTransit, closeTransit } from '../../networks/masquerade.ts';
import { portSteps } from '../../networks/port-mapping.ts';
import type { Change } from '../../plan/change.ts';
import type { KernelHandles } from '../../plan/kernel-handles.ts';
import type { FirewallStep, Step } from '../../plan/step.ts';
import { families } from '../../values/address.ts';
import { GangwayError } from '../../values/errors.ts';
import type { Context } from '../context.ts';
import { endpointsOf } from '../endpoint/routes.ts';
import { kernelBridgeFilter } from '../host-facts.ts';
import { policyLookup } from '../ports/targets.ts';
import { areInstalledUnrecorded } from '../store/installed-state.ts';
import {
  type ContainerRecord,
  containersWithRun,
  type MachineRecord,
  type NetworkRecord,
  standingSteps,
} from '../store/record.ts';

/**
 * The back end of everything that is planned and told: the one whose rules stand, which after a move that failed is not
 * the one that is wanted. Where none stands, and of what another one that is asked for would have, the one that is wanted.
 *
 * @throws GangwayError missing-program where there is none
 */
export function activeBackend(context: Context): Backend {
  const loaded = isBackendSwitchRequested(context) ? undefined : backendIn(context.records.machine().ruleset);
  return loaded ?? wantedBackend(context);
}

/** @throws GangwayError missing-program where there is none */
function wantedBackend(context: Context): Backend {
  const machine = context.records.machine();
  const loaded = backendIn(machine.ruleset);
  const asked = context.firewall ?? machine.asked;
  if (asked !== undefined) return asked === loaded?.name ? loaded : choose(asked);
  return loaded?.name === 'iptables' ? loaded : (beside(context) ?? loaded ?? choose(undefined));
}

/** Where others have rules in iptables' FORWARD, ours stand there, too (neighbours.ts says why). */
function beside({ host }: Context): Backend | undefined {
  const variants = listForeignFirewalls(host().netfilter).flatMap(({ variant }) => variant ?? []);
  const variant = variants.find(isInstalled);
  return variant && iptables(variant, kernelBridgeFilter());
}

function backendIn(ruleset: MachineRecord['ruleset']): Backend | undefined {
  for (const step of ruleset) {
    if (step.kind === 'ruleset') return nftables;
    if (step.kind === 'chains') return iptables(step.variant, kernelBridgeFilter());
  }
}

function choose(asked: BackendName | undefined): Backend {
  if (asked === 'nftables' || (asked === undefined && findProgram('nft') !== undefined)) return nftables;
  const variant = detectVariant();
  if (variant !== undefined) return iptables(variant, kernelBridgeFilter());
  const missing = asked === undefined ? 'neither nft nor iptables is installed' : 'iptables is not installed';
  throw new GangwayError('missing-program', missing, {
    hint: `apt-get install ${asked === undefined ? 'nftables' : 'iptables'}`,
  });
}

/** What is remembered of a back end that somebody asks for: from then on none is chosen by what others do. */
export function requestedBackend({ firewall }: Context): Pick<MachineRecord, 'asked'> {
  return firewall === undefined ? {} : { asked: firewall };
}

/** The back end whose rules are in the kernel, as far as the records say. */
export function loadedBackend({ records }: Context): BackendName | undefined {
  return records.isMachineReadable ? backendIn(records.machine().ruleset)?.name : undefined;
}

/** Does somebody ask for another back end than the one that is loaded? */
export function isBackendSwitchRequested(context: Context): boolean {
  const loaded = loadedBackend(context);
  return context.firewall !== undefined && loaded !== undefined && loaded !== context.firewall;
}

/** Did this back end make what a record of the machine says is loaded? Nothing is, as far as nobody says otherwise. */
function isKeptBy(firewall: Backend, ruleset: MachineRecord['ruleset']): boolean {
  return (backendIn(ruleset)?.name ?? firewall.name) === firewall.name;
}

/** Are the rules of this back end in the kernel, all of them, though no record says so? The owner's are for him to say. */
export function isLoaded(context: Context, world: KernelHandles, firewall: Backend): boolean {
  return areInstalledUnrecorded(context, world, firewall.load([]));
}

/** The machine's firewall as another back end keeps it. */
export interface Retold {
  readonly networks: readonly NetworkRecord[];
  readonly containers: readonly ContainerRecord[];
  readonly machine: MachineRecord;
  /** All facts, in the order in which they are made. */
  readonly steps: readonly FirewallStep[];
}

/** Every record of this boot with its facts as `firewall` keeps them. */
export function retell(context: Context, firewall: Backend): Retold {
  const { records } = context;
  const boot = bootId();
  const networks = records
    .everyNetwork()
    .filter((record) => standingSteps(record, boot).length > 0)
    .map((record) => retoldNetwork(record, firewall));
  const known = new Set(records.everyNetwork().map(({ id }) => id));
  const containers = containersWithRun(records.containers(), boot)
    .filter(({ life }) => life.published.length > 0)
    // Of a network whose record was damaged nobody knows what there was to tell.
    .filter(({ life }) => life.plugs.every(({ networkId }) => known.has(networkId)))
    .map((record) => {
      const published = portSteps(record.life.forwards, policyLookup(endpointsOf(records, record.life)), firewall);
      return { ...record, life: { ...record.life, published } };
    });
  const { leaving: _, ...before } = records.machine();
  const forwarding = families
    .filter((family) => closesTransit(before.forwarding, family))
    .flatMap((family) => closeTransit(family, firewall));
  const machine = {
    ...before,
    ...requestedBackend(context),
    ruleset: firewall.load(),
    forwarding: [...forwarding, ...before.forwarding.filter((step) => !isFirewallStep(step))],
  };
  const facts = networks.flatMap(({ made }) => (made?.steps ?? []).filter(isFirewallStep));
  return {
    networks,
    containers,
    machine,
    steps: [...forwarding, ...facts, ...containers.flatMap(({ life }) => life.published)],
  };
}

function retoldNetwork(record: NetworkRecord, firewall: Backend): NetworkRecord {
  const { network, made } = record;
  if (network.kind !== 'bridge' || made === undefined) return record;
  const others = made.steps.filter((step) => !isFirewallStep(step));
  return { ...record, made: { ...made, steps: [...bridgePolicySteps(network, firewall), ...others] } };
}

/**
 * What moves everything over to the back end that is wanted, or to the rules of this version of gangway. The new rules
 * stand before the old ones go: nothing is open in between, and no connection that is established ends.
 */
export function firewallMoves(context: Context): readonly Change[] {
  const { records } = context;
  if (!records.isMachineReadable) return [];
  const { ruleset: old } = records.machine();
  const loaded = backendIn(old);
  const firewall = loaded && wantedBackend(context);
  if (firewall === undefined || isDeepStrictEqual(withoutReasons(firewall.load()), withoutReasons(old))) return [];
  if (!isKeptBy(firewall, old)) return move(context, firewall, old);
  return context.canReloadRules ? [renew(context, firewall, old)] : [];
}

/** What is left of a move that somebody was killed in: the back end from which it went. */
export function firewallLeaves(context: Context): readonly Change[] {
  if (!context.records.isMachineReadable) return [];
  const { leaving, ...machine } = context.records.machine();
  return leaving === undefined ? [] : [leave(context, machine, leaving)];
}

/** The rules of this version, in the place of those that stand. */
function renew(context: Context, firewall: Backend, old: readonly Step[]): Change {
  const retold = retell(context, firewall);
  const steps = firewall.reload(firewall.load(), retold.steps, old);
  return { plan: { subject: 'load the rules anew', direction: 'make', steps }, records: put(context, retold) };
}

/** Two changes, between which both stand: whoever is killed there has written down what is to go. */
function move(context: Context, firewall: Backend, old: readonly Step[]): readonly Change[] {
  const { machine, ...retold } = retell(context, firewall);
  const subject = `move the firewall from ${backendIn(old)?.name} to ${firewall.name}`;
  const steps = [...firewall.load(), ...retold.steps];
  return [
    {
      plan: { subject, direction: 'make', steps },
      records: put(context, { ...retold, machine: { ...machine, leaving: old } }),
    },
    leave(context, machine, old),
  ];
}

function leave({ records }: Context, machine: MachineRecord, old: readonly Step[]): Change {
  const subject = `remove what ${backendIn(old)?.name} had of the firewall`;
  return { plan: { subject, direction: 'unmake', steps: old }, records: [records.putMachine(machine)] };
}

function put({ records }: Context, { machine, networks, containers }: Retold): Change['records'] {
  return [
    records.putMachine(machine),
    ...networks.map((record) => records.put('networks', record)),
    ...containers.map((record) => records.put('containers', record)),
  ];
}

function withoutReasons(steps: readonly Step[]): readonly unknown[] {
  return steps.map(({ why: _, ...step }) => step);
}
