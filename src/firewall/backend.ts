/**
 * The firewall back ends: nftables or iptables.
 *
 * Both turn the same facts (policy.ts) into steps of a plan, so the steps are applied, undone, verified and explained
 * like all others. A back end has no state. Steps in a record can be undone whichever back end is active.
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
  /** Do the rules run in iptables' own chains of this variant, before the rules of other programs? */
  precedes(variant: Variant | undefined): boolean;
  /**
   * The constant rules.
   *
   * @param owners lines of the user's rules file. Absent: reads the file. Empty: enough to remove the rules
   */
  load(owners?: readonly string[]): readonly (RulesetStep | ChainsStep)[];
  /**
   * Replaces the loaded rules, with all facts, in one transaction.
   *
   * @param rules the result of `load`, or the steps of a record (which need no rules file)
   * @param old what was loaded before
   */
  reload(
    rules: readonly Step[],
    facts: readonly FirewallStep[],
    old: readonly Step[],
  ): readonly (RulesetStep | ChainsStep)[];
  /** The steps that add these facts, all with the same reason. */
  stepsFor(facts: readonly SetElement[], why: string): readonly FirewallStep[];
  /**
   * The installed facts as steps, recorded or not. Constant rules and user rules are left out.
   *
   * @param sets limits the result to these sets
   */
  installed(kernel: KernelHandles, why: string, sets?: Readonly<Record<string, SetParts>>): readonly InstalledStep[];
}

/** An installed fact, as the step that creates it. */
export interface InstalledStep<S extends FirewallStep = FirewallStep> {
  readonly step: S;
  /** Absent where the kernel does not count. */
  readonly counted?: Counted;
}

/** Is it a step of a back end (not of anti-spoofing)? */
export function isFirewallStep(step: Step): step is FirewallStep {
  return (step.kind === 'element' && !isAntiSpoofingStep(step)) || step.kind === 'rule';
}

/** Identity of a fact as text: set and key of an element, or the whole rule. */
export function stepKey(step: FirewallStep): string {
  if (step.kind === 'rule') return stepContent(step);
  return step.element === undefined
    ? ''
    : `${step.element.set} { ${formatSetElement({ set: step.element.set, key: step.element.key })} }`;
}

/** The whole fact as text. */
export function stepContent(step: FirewallStep): string {
  if (step.kind === 'rule')
    return step.rule === undefined ? '' : `${step.rule.family} ${step.rule.table} ${formatRule(step.rule)}`;
  return step.element === undefined ? '' : `${step.element.set} { ${formatSetElement(step.element)} }`;
}

/** The installed steps that no known step describes. */
export function unrecordedSteps<S extends FirewallStep>(
  known: readonly FirewallStep[],
  found: readonly S[],
): readonly S[] {
  const recorded = new Set(known.map(stepContent));
  return found.filter((step) => !recorded.has(stepContent(step)));
}

/** The links that a fact names. */
export function linksIn(step: FirewallStep): readonly string[] {
  if (step.kind === 'element')
    return (step.element?.key ?? []).flatMap((datum) => (datum.type === 'ifname' ? [datum.name] : []));
  const words = step.rule?.words ?? [];
  return words.filter((_, index) => /^-[io]$/.test(words[index - 1] ?? ''));
}
