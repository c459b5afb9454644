/**
 * The nftables back end: one constant table, loaded once; networks and ports add set elements. See
 * `nftables/ruleset.nft`.
 */
import { readFileSync } from 'node:fs';
import { listElements } from '../kernel/nftables.ts';
import type { RulesetStep } from '../plan/step.ts';
import { type FirewallMark, wholeMask } from '../values/firewall-mark.ts';
import type { Datum, SetElement } from '../values/set-element.ts';
import type { Backend } from './backend.ts';
import { allSets } from './policy.ts';
import { readUserRules, userFiles, withoutComment } from './user-rules.ts';

/** Appends the user's rules as commands, so that a malformed line makes the whole load fail. */
function userChain(rules: readonly string[]): string {
  if (rules.length === 0) return '';
  return `\n# ${userFiles.nftables}\n${rules.map((rule) => `add rule inet ${table} GANGWAY-USER ${withoutComment(rule)}\n`).join('')}`;
}

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
  // Skips the theory of operation.
  const text = file.slice(file.indexOf('create table')) + userChain(owners);
  const why = 'the constant rules for all networks, in a table of gangway';
  return { kind: 'ruleset', in: 'host', table, text, ...(owners.length > 0 && { owners: userFiles.nftables }), why };
}

const digits = [0, 1, 2, 3, 4, 5, 6, 7] as const;

/**
 * Splits an element with a mark into elements of single hexadecimal digits.
 *
 * nft can compare with the mask of a rule, but not with a mask in an element. So the rules test each of the eight
 * digits of a packet's mark by itself. An element holds one allowed digit in its place, with a 1 in the next lower
 * place, which tells the digit's place. A 2 there without a digit allows any value. The place below digit 0 is digit 7.
 *
 *      0x1/0x3     0x11 0x15 0x19 0x1d     the lowest digit is one of these four
 *                  0x200 0x2000 … 0x2      the seven others may be any
 *
 * A missing element accepts nothing. Intervals would be shorter, but nft 1.1 lists such a rule with swapped bytes, and
 * loads its own listing as another rule.
 */
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
