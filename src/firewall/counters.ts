/** What the kernel counts of the firewall's facts, and what such a number means. */
import type { SetParts } from '../kernel/set-key.ts';
import type { FirewallStep } from '../plan/step.ts';
import { chainsOf } from './iptables/render.ts';
import { allSets } from './policy.ts';

/**
 * `out`, `in`: every packet that leaves or enters a network. `connections`: of each the first packet alone, as those that
 * follow are translated, or let in, without this fact being asked.
 */
export type CounterMeaning = 'out' | 'in' | 'connections';

const meanings: readonly (readonly [pattern: RegExp, CounterMeaning])[] = [
  [/^leaving$/, 'out'],
  [/^entering$/, 'in'],
  [/^((host_)?(ports|ranges)|open_ports|trusted_ports)[46]$/, 'connections'],
];

function meaningOf(set: string): CounterMeaning | undefined {
  return meanings.find(([pattern]) => pattern.test(set))?.[1];
}

/** The sets of what is counted. */
export const countedSets: Readonly<Record<string, SetParts>> = Object.fromEntries(
  Object.entries(allSets).filter(([set]) => meaningOf(set) !== undefined),
);

const chains = new Map(Object.keys(countedSets).flatMap((set) => chainsOf(set).map((chain) => [chain, set])));

/** What a fact's number means. */
export function counterMeaning(step: FirewallStep): CounterMeaning | undefined {
  const set = step.kind === 'rule' ? chains.get(step.rule?.chain ?? '') : step.element?.set;
  return meaningOf(set ?? '');
}
