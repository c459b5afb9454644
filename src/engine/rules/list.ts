/**
 * `gangway rules`: what the firewall has been told, why, and whether the kernel has it. Reads; changes nothing, needs no lock.
 *
 *     records: the steps of each fact --+
 *                                       +--> present, missing, unexplained, in the order of a packet's way
 *     kernel: what it has, as steps   --+
 */

import { installedAntiSpoofing, loadAntiSpoofing } from '../../firewall/anti-spoofing.ts';
import { type Backend, type BackendName, type InstalledStep, stepContent } from '../../firewall/backend.ts';
import { isLearnedStep } from '../../firewall/dns-egress-elements.ts';
import { jumpsTo, type Stage, stageOf, stages } from '../../firewall/hook-order.ts';
import { KernelHandles } from '../../plan/kernel-handles.ts';
import { kindOf } from '../../plan/kind.ts';
import type { DiversionStep, FirewallStep, Step } from '../../plan/step.ts';
import type { Counted } from '../../values/counted.ts';
import { ignoring } from '../../values/errors.ts';
import type { Context } from '../context.ts';
import { activeBackend, isBackendSwitchRequested } from '../firewall/backend-selection.ts';
import type { FirewallRule, RuleState, RulesAt } from '../results.ts';
import { type Fact, factsIn, type Known, knownTo } from './recorded.ts';
import { subjectOf } from './selector.ts';

/**
 * The places of the firewall on a packet's way, with what each is told about a network, a container or published ports, or
 * about everything.
 *
 * @throws GangwayError container-not-found, container-not-running, port-not-published; missing-program, program-failed
 */
export function rules(context: Context, reference?: string): readonly RulesAt[] {
  const firewall = activeBackend(context);
  const known = knownTo(context, firewall);
  const facts = factsIn(context, known, firewall);
  using world = new KernelHandles(context.host());
  const seen = look(world, firewall);
  const strangers = unexplained(seen, facts);
  const subject = subjectOf(context, { known, facts, strangers: strangers.map(({ step }) => step) }, reference);
  const told = [
    ...facts.filter(subject.concerns).map((fact) => tellFact(context, world, fact, seen)),
    ...strangers.filter(({ step }) => subject.isNamedIn(step)).map((found) => tellStranger(context, found)),
  ];
  const fixed = constants(context, world, known, firewall);
  return stages
    .filter((station) => reference === undefined || isMet(station, told))
    .flatMap((station) => tellStation(station, firewall.name, told, fixed[station.of]));
}

/** Nothing of a station that is neither wanted nor there. */
function tellStation(
  station: Stage,
  backend: BackendName,
  told: readonly Told[],
  state: RuleState | undefined,
): readonly RulesAt[] {
  const own = told.filter((one) => one.station === station).map(({ rule }) => rule);
  const known = state ?? own[0]?.state;
  if (known === undefined) return [];
  const { hook, names: chains } = station.chains[backend];
  return [{ hook, chains, why: station.sentence, state: known, rules: own }];
}

/** What the kernel has, by its content. */
type Seen = ReadonlyMap<string, InstalledStep>;

function look(world: KernelHandles, firewall: Backend): Seen {
  const why = 'no record says why';
  const all: readonly InstalledStep[] = [
    ...firewall.installed(world, why),
    ...installedAntiSpoofing(world, why).map((step) => ({ step })),
  ];
  return new Map(all.map((found) => [keyOf(found.step), found]));
}

/** The guard's sets are in a table of their own. */
function keyOf(step: FirewallStep): string {
  return `${step.kind === 'element' ? (step.family ?? '') : ''} ${stepContent(step)}`;
}

interface Told {
  readonly step: FirewallStep | DiversionStep;
  readonly station: Stage | undefined;
  readonly rule: FirewallRule;
}

function tellFact(context: Context, world: KernelHandles, { step, from }: Fact, seen: Seen): Told {
  const found = step.kind === 'diversion' ? undefined : seen.get(keyOf(step));
  const isThere = step.kind === 'diversion' ? holds(context, world, step) : found !== undefined;
  const rule = { ...line(context, step, isThere ? 'present' : 'missing', found?.counted), from };
  return { step, station: stageOf(step), rule };
}

/** What the switchboard has brought in is in no record, and there for a while. */
function tellStranger(context: Context, { step, counted }: InstalledStep): Told {
  const station = stageOf(step);
  if (isLearnedStep(step)) {
    const why = 'an answer for a name to which the network may speak, as long as that holds';
    return { step, station, rule: line(context, { ...step, why }, 'present', counted) };
  }
  return { step, station, rule: line(context, step, 'unexplained', counted) };
}

function line({ kinds }: Context, step: Told['step'], state: RuleState, counted?: Counted): FirewallRule {
  const command = kindOf<Step>(kinds, step).commands(step).join('\n');
  return { state, why: step.why, command, ...(counted === undefined ? {} : { counted }) };
}

/** A namespace that has gone has taken its rules along. */
function holds({ kinds }: Context, world: KernelHandles, step: Step): boolean {
  return ignoring('ENOENT', () => kindOf(kinds, step).holds(step, world)) ?? false;
}

function unexplained(seen: Seen, facts: readonly Fact[]): readonly InstalledStep[] {
  const explained = new Set(facts.flatMap(({ step }) => (step.kind === 'diversion' ? [] : [keyOf(step)])));
  return [...seen].filter(([key]) => !explained.has(key)).map(([, found]) => found);
}

/** Does a packet meet it that these facts are about? */
function isMet(station: Stage, told: readonly Told[]): boolean {
  const isOurs = told.some(({ step }) => step.kind !== 'diversion');
  return (
    (station.always === true && isOurs) || told.some((one) => one.station === station || jumpsTo(one.step, station))
  );
}

/** Are the rules that never change there, of the policy and of the guard? Undefined where they are not wanted either. */
type Constants = Readonly<Record<Stage['of'], RuleState | undefined>>;

function constants(context: Context, world: KernelHandles, { machine }: Known, firewall: Backend): Constants {
  const asked = isBackendSwitchRequested(context) ? firewall.load() : machine.ruleset;
  const state = (steps: readonly Step[], otherwise: readonly Step[]): RuleState | undefined => {
    const isThere = (all: readonly Step[]) => all.every((step) => holds(context, world, step));
    if (steps.length > 0) return isThere(steps) ? 'present' : 'missing';
    return isThere(otherwise) ? 'unexplained' : undefined;
  };
  return {
    policy: state(asked, firewall.load()),
    guard: state(machine.guard ?? [], [loadAntiSpoofing()]),
    container: undefined,
  };
}
