/**
 * The nftables back end: policy as steps.
 *
 * One table, loaded once and constant; what a network or a port adds to it are elements. See `nftables/ruleset.nft`,
 * which is written to be read.
 */
import { readFileSync } from 'node:fs';
import { listElements } from '../kernel/nftables.ts';
import type { RulesetStep } from '../plan/step.ts';
import { type FirewallMark, wholeMask } from '../values/firewall-mark.ts';
import type { Datum, SetElement } from '../values/set-element.ts';
import type { Backend } from './backend.ts';
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

const digits = [0, 1, 2, 3, 4, 5, 6, 7] as const;

/** An element as nftables keeps it: one with a mark becomes several. */
export function inDigits({ set, key }: SetElement): readonly SetElement[] | undefined {
  const mark = key.find((datum) => datum.type === 'mark');
  if (mark?.type !== 'mark') return undefined;
  return digits
    .flatMap((place) => digitsOf(mark.mark, place))
    .map((value): SetElement => ({ set, key: key.map((datum) => (datum === mark ? whole(value) : datum)) }));
}

function whole(value: number): Datum {
  return { type: 'mark', mark: { mark: value, mask: wholeMask } };
}

function digitsOf({ mark, mask }: FirewallMark, place: number): readonly number[] {
  const before = 4 * ((place + 1) % digits.length);
  const digit = (number: number) => (number >>> (4 * place)) & 0xf;
  if (digit(mask) === 0) return [(2 << before) >>> 0];
  return Array.from({ length: 16 }, (_, value) => value)
    .filter((value) => (value & digit(mask)) === digit(mark))
    .map((value) => ((value << (4 * place)) | (1 << before)) >>> 0);
}
