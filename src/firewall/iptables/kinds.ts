/** Step kinds of iptables: the chains, made once, and the rules that come and go in them. */

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
      // What somebody has emptied in part is made anew as a whole.
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
 * `iptables -I FORWARD -j GANGWAY-FORWARD`: the first of all. If others have put rules before it since that accept packets,
 * it comes before those again, and what they drop or mark before, they drop and mark. What gives the mark to packets that
 * have none is as far behind as that allows: whoever adds or takes a bit, or brings back a connection's mark, finds his own.
 */
function wayIn(saved: SavedRules, way: Way): string {
  const { rule, at } = way;
  const number = numberOf(saved, way);
  return number === undefined
    ? formatRule(rule, verbs[at])
    : formatRule(rule, '-I').replace(`-I ${rule.chain}`, `-I ${rule.chain} ${number}`);
}

/** Without it. Undefined: at its end of the chain. */
function numberOf(saved: SavedRules, way: Way): number | undefined {
  const { rule, at } = way;
  if (isLast(way)) return undefined;
  if (at === 'tail') return saved.acceptsFirst(rule, markOf(rule));
  return saved.hasRule(rule) ? saved.acceptsBefore(rule, markOf(rule)) : undefined;
}

/** Who translates first, and who last, is the same to us. */
function isInPlace(saved: SavedRules, way: Way): boolean {
  const { rule } = way;
  if (rule.table === 'nat') return true;
  if (isLast(way)) return !saved.acceptsBehind(rule);
  const mark = markOf(rule);
  return saved.acceptsBefore(rule, mark) === undefined && !(mark === 0 && saved.marksBehind(rule, mark));
}

/** Does it come behind everything that others let pass? In mangle that would be too late. */
function isLast({ rule, at }: Way): boolean {
  return at === 'tail' && rule.table !== 'mangle';
}

/** The mark of the packets that a rule is there for: of those that nobody has marked, and then of those that we have. */
function markOf({ table, chain }: IptablesRule): number | undefined {
  if (table !== 'mangle') return undefined;
  return chain === 'PREROUTING' ? 0 : ownMark;
}

/** `iptables -N CHAIN`; one that may be there already is emptied, unless what is in it is the user's. */
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

/** Only what is there is taken away, and only what is missing is put back. */
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

/** IPv4 first; each a transaction of its own, since each has a program of its own. */
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

/** What iptables-save(8) prints, as long as this change changes nothing of it. */
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
