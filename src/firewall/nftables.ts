/**
 * The nftables back end: policy as steps.
 *
 * One table, loaded once and constant; what a network or a port adds to it are elements. See `nftables/ruleset.nft`,
 * which is written to be read.
 */
import { readFileSync } from 'node:fs';
import { listElements } from '../kernel/nftables.ts';
import type { RulesetStep } from '../plan/step.ts';
import type { Backend } from './backend.ts';
import { inDigits } from './nftables/marks.ts';
import { allSets } from './policy.ts';
import { readUserRules, userFiles, withoutComment } from './user-rules.ts';

/** Read as a whole, so a line that ends the block would be refused with everything else. */
function ownersChain(rules: readonly string[]): string {
  if (rules.length === 0) return '';
  return `\n# ${userFiles.nftables}\n${rules.map((rule) => `add rule inet ${table} GANGWAY-USER ${withoutComment(rule)}\n`).join('')}`;
}

/** Ours alone; no other table of the machine is ever touched. */
const table = 'gangway';

export const nftables: Backend = {
  name: 'nftables',

  precedes: () => false,

  load: (owners = readUserRules('nftables')) => [loadTable(owners)],

  reload: (rules, facts) => {
    const known = facts.flatMap((fact) =>
      fact.kind === 'element' && fact.element !== undefined ? [fact.element] : [],
    );
    return rules.flatMap((step) => (step.kind === 'ruleset' ? [{ ...step, facts: known, replaces: true }] : []));
  },

  /** `nft add element inet gangway …`, one step an element. */
  stepsFor: (facts, why) =>
    facts
      .flatMap((fact) => inDigits(fact) ?? [fact])
      .map((element) => ({ kind: 'element', in: 'host', table, element, why })),

  installed: (kernel, why, sets = allSets) =>
    Object.entries(sets)
      .flatMap(([set, parts]) =>
        listElements(kernel.namespace('host').netfilter, { family: 'inet', name: table }, set, parts),
      )
      .map(({ element, ...rest }) => ({ step: { kind: 'element', in: 'host', table, element, why }, ...rest })),
};

/** `nft -f ruleset.nft`. */
function loadTable(owners: readonly string[]): RulesetStep {
  const file = readFileSync(new URL('../firewall/nftables/ruleset.nft', import.meta.url), 'utf8');
  // The theory of operation above the table is for readers of the file.
  const text = file.slice(file.indexOf('create table')) + ownersChain(owners);
  const why = 'the rules of every network: a table of our own that never changes afterwards';
  return { kind: 'ruleset', in: 'host', table, text, ...(owners.length > 0 && { owners: userFiles.nftables }), why };
}
