/** Step kinds of iptables: the constant chains, and rules that are added and removed. */

import type { KernelHandles } from '../../plan/kernel-handles.ts';
import type { ActionKind, TransactionKind } from '../../plan/kind.ts';
import type { ChainsStep, RuleStep } from '../../plan/step.ts';
import { families } from '../../values/address.ts';
import { TeardownError } from '../../values/errors.ts';
import { ownMark } from '../../values/firewall-mark.ts';
import { formatRule, type IptablesRule } from '../../values/iptables-rule.ts';
import { commandOf, type RestoreLine, restore, save } from './program.ts';
import type { SavedRules } from './saved-rules.ts';

type Target = Pick<ChainsStep, 'variant' | 'family'>;

type Way = ChainsStep['ways'][number];

const verbs = { head: '-I', tail: '-A' } as const;

const chains: ActionKind<ChainsStep> = {
  async apply(step, kernel) {
    const saved = readSavedRules(kernel, step);
    await change(kernel, step, [
      // A partly flushed chain is created again as a whole.
      ...step.ways.filter(({ rule }) => saved.hasRule(rule)).map(({ rule }) => line(rule, '-D')),
      ...step.chains
        .filter(({ table, chain, kept }) => !(kept && step.owners === undefined && saved.hasChain(table, chain)))
        .map(({ table, chain }) => ({ table, text: `:${chain} - [0:0]` })),
      ...[...step.rules, ...(step.owners ?? [])].map((rule) => line(rule, '-A')),
      ...(step.facts ?? []).map((rule) => line(rule, '-I')),
      ...step.ways.map((way) => ({ table: way.rule.table, text: wayIn(saved, way) })),
    ]);
  },
  commands: (step) => [
    ...(step.replaces ? step.ways.map(({ rule }) => `${command(step, rule, '-D')} 2>/dev/null || :`) : []),
    ...step.chains.map((each) => chainCommand(step, each)),
    ...[...step.rules, ...(step.owners ?? [])].map((rule) => command(step, rule, '-A')),
    ...(step.facts ?? []).map((rule) => command(step, rule, '-I')),
    ...step.ways.map(({ rule, at }) => command(step, rule, verbs[at])),
  ],
  undoCommands: (step) => [
    ...step.ways.map(({ rule }) => command(step, rule, '-D')),
    ...step.chains.map(({ table, chain }) => `${typed(step)} -t ${table} -F ${chain}`),
    ...step.chains.map(({ table, chain }) => `${typed(step)} -t ${table} -X ${chain}`),
  ],
  async undo(step, kernel) {
    if (step.replaces) return;
    const saved = readSavedRules(kernel, step);
    const isUsers = ({ chain, kept }: ChainsStep['chains'][number]) =>
      kept === true && step.owners === undefined && saved.rulesIn(step.family, new Set([chain])).length > 0;
    const there = step.chains.filter((each) => saved.hasChain(each.table, each.chain) && !isUsers(each));
    await change(kernel, step, [
      ...step.ways.filter(({ rule }) => saved.hasRule(rule)).map(({ rule }) => line(rule, '-D')),
      ...there.map(({ table, chain }) => ({ table, text: `-F ${chain}` })),
      ...there.map(({ table, chain }) => ({ table, text: `-X ${chain}` })),
    ]);
  },
  holds(step, kernel) {
    const saved = readSavedRules(kernel, step);
    return (
      step.chains.every(({ table, chain }) => saved.hasChain(table, chain)) &&
      [...step.rules, ...step.ways.map(({ rule }) => rule)].every((rule) => saved.hasRule(rule)) &&
      step.ways.every((way) => isInPlace(saved, way))
    );
  },
};

/**
 * The restore line for a jump to gangway's chain, e.g. `iptables -I FORWARD -j GANGWAY-FORWARD`.
 *
 * The jump goes before the first foreign rule that accepts packets; foreign rules that drop or mark packets stay before
 * it. A jump that marks unmarked packets goes as far back as possible, so that programs which set or restore marks find
 * theirs unchanged.
 */
function wayIn(saved: SavedRules, way: Way): string {
  const { rule, at } = way;
  const number = numberOf(saved, way);
  return number === undefined
    ? formatRule(rule, verbs[at])
    : formatRule(rule, '-I').replace(`-I ${rule.chain}`, `-I ${rule.chain} ${number}`);
}

/** The rule number for the jump. Undefined: at the head or the tail. */
function numberOf(saved: SavedRules, way: Way): number | undefined {
  const { rule, at } = way;
  if (isLast(way)) return undefined;
  if (at === 'tail') return saved.acceptsFirst(rule, markOf(rule));
  return saved.hasRule(rule) ? saved.acceptsBefore(rule, markOf(rule)) : undefined;
}

/** In the nat table the position does not matter. */
function isInPlace(saved: SavedRules, way: Way): boolean {
  const { rule } = way;
  if (rule.table === 'nat') return true;
  if (isLast(way)) return !saved.acceptsBehind(rule);
  const mark = markOf(rule);
  return saved.acceptsBefore(rule, mark) === undefined && !(mark === 0 && saved.marksBehind(rule, mark));
}

/** Is it the last rule of the chain? Not in mangle, where that would be too late. */
function isLast({ rule, at }: Way): boolean {
  return at === 'tail' && rule.table !== 'mangle';
}

/** The mark of the packets that the jump is for: unmarked ones in PREROUTING, then those that gangway marked. */
function markOf({ table, chain }: IptablesRule): number | undefined {
  if (table !== 'mangle') return undefined;
  return chain === 'PREROUTING' ? 0 : ownMark;
}

/** `iptables -N CHAIN`; an existing chain is flushed, unless it holds user rules. */
function chainCommand(step: ChainsStep, { table, chain, kept }: ChainsStep['chains'][number]): string {
  const make = `${typed(step)} -t ${table} -N ${chain}`;
  if (!step.replaces) return make;
  const isUsers = kept === true && step.owners === undefined;
  return `${make} 2>/dev/null || ${isUsers ? ':' : `${typed(step)} -t ${table} -F ${chain}`}`;
}

const rule: TransactionKind<RuleStep> = {
  canBatch: (one, other) => one.variant === other.variant,
  async applyAll(steps, kernel) {
    const done: RuleStep[] = [];
    try {
      for (const group of byFamily(steps)) {
        await change(kernel, targetOf(group), [...lines(group, 'was', '-D'), ...lines(group, 'rule', '-I')]);
        done.push(...group);
      }
    } catch (error) {
      await undoRules(done, kernel);
      throw error;
    }
  },
  undoAll: undoRules,
  commands: (step) => [...told(step, 'was', '-D'), ...told(step, 'rule', '-I')],
  undoCommands: (step) => [...told(step, 'rule', '-D'), ...told(step, 'was', '-I')],
  undo: (step, kernel) => undoRules([step], kernel),
  holds: (step, kernel) => step.rule === undefined || readSavedRules(kernel, targetOf([step])).hasRule(step.rule),
};

/** Removes only rules that exist, and restores only rules that are missing. */
async function undoRules(steps: readonly RuleStep[], kernel: KernelHandles): Promise<void> {
  const errors: unknown[] = [];
  for (const group of byFamily(steps)) {
    const target = targetOf(group);
    const saved = readSavedRules(kernel, target);
    const before = group.map((step) => ({
      ...(step.rule !== undefined && saved.hasRule(step.rule) ? { rule: step.rule } : {}),
      ...(step.was !== undefined && !saved.hasRule(step.was) && saved.hasChain(step.was.table, step.was.chain)
        ? { was: step.was }
        : {}),
    }));
    try {
      await change(kernel, target, [...lines(before, 'rule', '-D'), ...lines(before, 'was', '-I')]);
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw new TeardownError('remove rules', errors);
}

function lines(
  steps: readonly Partial<Record<'rule' | 'was', IptablesRule>>[],
  part: 'rule' | 'was',
  verb: '-I' | '-D',
): readonly RestoreLine[] {
  return steps.flatMap(({ [part]: one }) => (one === undefined ? [] : [line(one, verb)]));
}

function line(one: IptablesRule, verb: '-A' | '-I' | '-D'): RestoreLine {
  return { table: one.table, text: formatRule(one, verb) };
}

function told(step: RuleStep, part: 'rule' | 'was', verb: '-I' | '-D'): readonly string[] {
  const one = step[part];
  return one === undefined ? [] : [command(targetOf([step]), one, verb)];
}

function command(target: Target, one: IptablesRule, verb: '-A' | '-I' | '-D'): string {
  return `${typed(target)} -t ${one.table} ${formatRule(one, verb)}`;
}

function typed({ variant, family }: Target): string {
  return `${commandOf(variant, family)} -w`;
}

/** One transaction per family: each family has its own program. */
function byFamily(steps: readonly RuleStep[]): readonly (readonly RuleStep[])[] {
  return families
    .map((family) => steps.filter((step) => (step.rule ?? step.was)?.family === family))
    .filter((group) => group.length > 0);
}

function targetOf([first]: readonly RuleStep[]): Target {
  const one = first?.rule ?? first?.was;
  if (first === undefined || one === undefined) throw new TypeError('a step without a rule');
  return { variant: first.variant, family: one.family };
}

/** The parsed output of iptables-save(8), cached until this change modifies the table. */
export function readSavedRules(kernel: KernelHandles, target: Target): SavedRules {
  return kernel.cached(key(target), () => save(target.variant, target.family));
}

async function change(kernel: KernelHandles, target: Target, all: readonly RestoreLine[]): Promise<void> {
  kernel.invalidate(key(target));
  await restore(target.variant, target.family, all);
}

function key({ variant, family }: Target): string {
  return `${commandOf(variant, family)}-save`;
}

export const iptablesKinds = { chains, rule };
