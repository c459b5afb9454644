/**
 * The nftables back end: policy as steps.
 *
 * One table, loaded once and constant; what a network or a port adds to it are elements. See `nftables/ruleset.nft`,
 * which is written to be read.
 */
import { readFileSync } from 'node:fs';
import type { ElementStep, RulesetStep } from '../plan/step.ts';
import type { SetElement } from '../values/set-element.ts';

/** Ours alone; no other table of the machine is ever touched. */
export const table = 'gangway';

/** `nft -f ruleset.nft`. */
export function loadRuleset(): RulesetStep {
  const file = readFileSync(new URL('../firewall/nftables/ruleset.nft', import.meta.url), 'utf8');
  // The theory of operation above the table is for readers of the file.
  const text = file.slice(file.indexOf('create table'));
  return {
    kind: 'ruleset',
    in: 'host',
    table,
    text,
    why: 'the rules of every network: a table of our own that never changes afterwards',
  };
}

/** `nft add element inet gangway …`, one step an element, all for the same reason. */
export function elementSteps(elements: readonly SetElement[], why: string): readonly ElementStep[] {
  return elements.map((element) => ({ kind: 'element', in: 'host', table, element, why }));
}
