/**
 * What carries out the policy in the kernel: nftables, or iptables.
 *
 * Both are told the same facts (policy.ts), and what each makes of a fact are steps of a plan: made, taken back, looked
 * for and explained like all others. So a back end has no state, and a record that holds the steps of one can be taken
 * away whichever is asked for today.
 */
import type { SetParts } from '../kernel/set-key.ts';
import type { KernelHandles } from '../plan/kernel-handles.ts';
import type { ChainsStep, FirewallStep, RulesetStep, Step } from '../plan/step.ts';
import type { Counted } from '../values/counted.ts';
import { formatRule, type Variant } from '../values/iptables-rule.ts';
import { formatSetElement, type SetElement } from '../values/set-element.ts';
import { isAntiSpoofingStep } from './anti-spoofing.ts';

export const backendNames = ['nftables', 'iptables'] as const;

export type BackendName = (typeof backendNames)[number];

export interface Backend {
  readonly name: BackendName;
  /** Do its rules stand in iptables' own chains of this variant, before what others have there? */
  precedes(variant: Variant | undefined): boolean;
  /**
   * The rules of every network, which never change.
   *
   * @param owners the lines of the machine's owner. Absent: those in his file. None: enough to take the rules away
   */
  load(owners?: readonly string[]): readonly (RulesetStep | ChainsStep)[];
  /**
   * Rules in the place of what is there, or was, with everything that they have to know, in one transaction.
   *
   * @param rules those of `load`, or what a record has of them: it needs no file of the owner's, which may be wrong by now
   * @param old what was loaded before
   */
  reload(
    rules: readonly Step[],
    facts: readonly FirewallStep[],
    old: readonly Step[],
  ): readonly (RulesetStep | ChainsStep)[];
  /** What comes and goes: facts, all for the same reason. */
  stepsFor(facts: readonly SetElement[], why: string): readonly FirewallStep[];
  /**
   * What the kernel has, whoever brought it in, but for the rules that never change and those of the machine's owner.
   *
   * @param sets of these alone. Absent: wherever there is something of ours
   */
  installed(kernel: KernelHandles, why: string, sets?: Readonly<Record<string, SetParts>>): readonly InstalledStep[];
}

/** What the kernel has, as the step that would have made it. */
export interface InstalledStep<S extends FirewallStep = FirewallStep> {
  readonly step: S;
  /** Where the kernel counts. */
  readonly counted?: Counted;
}

/** Of the back ends', not of the guard's, which is beside them. */
export function isFirewallStep(step: Step): step is FirewallStep {
  return (step.kind === 'element' && !isAntiSpoofingStep(step)) || step.kind === 'rule';
}

/** What can be there only once, as text: of an element its set and key, of a rule all of it. */
export function stepKey(step: FirewallStep): string {
  if (step.kind === 'rule') return stepContent(step);
  return step.element === undefined
    ? ''
    : `${step.element.set} { ${formatSetElement({ set: step.element.set, key: step.element.key })} }`;
}

/** All of it, as text. */
export function stepContent(step: FirewallStep): string {
  if (step.kind === 'rule')
    return step.rule === undefined ? '' : `${step.rule.family} ${step.rule.table} ${formatRule(step.rule)}`;
  return step.element === undefined ? '' : `${step.element.set} { ${formatSetElement(step.element)} }`;
}

/** Those that none of the known ones tells of, by all that they say. */
export function unrecordedSteps<S extends FirewallStep>(
  known: readonly FirewallStep[],
  found: readonly S[],
): readonly S[] {
  const told = new Set(known.map(stepContent));
  return found.filter((step) => !told.has(stepContent(step)));
}

/** The links that it speaks of. */
export function linksIn(step: FirewallStep): readonly string[] {
  if (step.kind === 'element')
    return (step.element?.key ?? []).flatMap((datum) => (datum.type === 'ifname' ? [datum.name] : []));
  const words = step.rule?.words ?? [];
  return words.filter((_, index) => /^-[io]$/.test(words[index - 1] ?? ''));
}
