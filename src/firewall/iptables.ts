/**
 * The iptables back end, for hosts whose other programs use iptables.
 *
 * Its chains are modelled on Docker's; networks and ports add rules to them. See `iptables/ruleset.rules`.
 */
import { readFileSync } from 'node:fs';
import type { ChainsStep, RuleStep } from '../plan/step.ts';
import { type Family, families } from '../values/address.ts';
import { GangwayError } from '../values/errors.ts';
import type { IptablesRule, Variant } from '../values/iptables-rule.ts';
import type { Backend } from './backend.ts';
import { readSavedRules } from './iptables/kinds.ts';
import { chainsOf, renderRules } from './iptables/render.ts';
import { readUserRules, userFiles, withoutComment } from './user-rules.ts';

/**
 * Parses the user's rules.
 *
 * @throws GangwayError invalid-option for a line outside of GANGWAY-USER, or with its target behind a comment sign
 */
export function parseUserRules(lines: readonly string[], family: Family): readonly IptablesRule[] {
  const wrong = lines.find((line) => !/^(-[46] )?-A GANGWAY-USER /.test(line));
  if (wrong !== undefined) {
    throw new GangwayError('invalid-option', `${userFiles.iptables}: "${wrong}" is not a rule of chain GANGWAY-USER`, {
      hint: 'begin each line with -A GANGWAY-USER; put -4 or -6 before it for one family',
    });
  }
  const rules = lines.map(withoutComment);
  // iptables accepts a rule without a target, and only counts: a rule meant to drop would accept.
  const aimless = lines.find((line, index) => line !== rules[index] && !hasTarget(rules[index] ?? ''));
  if (aimless !== undefined) {
    throw new GangwayError(
      'invalid-option',
      `${userFiles.iptables}: "${aimless}" has no target (-j) before its comment`,
      {
        hint: 'a # after a space begins a comment, unless quoted; put the comment on its own line',
      },
    );
  }
  return parseRuleset(`*filter\n${rules.join('\n')}`, family, false).ways.map(({ rule }) => rule);
}

function hasTarget(rule: string): boolean {
  return /\s(-[jg]|--jump|--goto)/.test(rule.replace(/"[^"]*"/g, '""'));
}

/**
 * @param variant which of the two programs called iptables
 * @param bridgeFilter does the kernel have br_netfilter loaded?
 */
export function iptables(variant: Variant, bridgeFilter: boolean): Backend {
  const text = readFileSync(new URL('../firewall/iptables/ruleset.rules', import.meta.url), 'utf8');
  const constant = (family: Family) => parseRuleset(text, family, bridgeFilter);
  const step = (rule: IptablesRule, why: string): RuleStep => ({ kind: 'rule', in: 'host', variant, rule, why });
  const load = (lines = readUserRules('iptables')) =>
    families.map((family): ChainsStep => {
      const why = `the constant chains for all networks, IPv${family}`;
      const owners = parseUserRules(lines, family);
      const chains = { ...constant(family), ...(owners.length === 0 ? {} : { owners }) };
      return { kind: 'chains', in: 'host', variant, family, ...chains, why };
    });
  return {
    name: 'iptables',

    precedes: (other) => other === variant,

    load,

    reload(rules, facts, old) {
      // Rules from an older rules file are removed with it; rules that a user typed in stay.
      const had = old.some((step) => step.kind === 'chains' && step.owners !== undefined);
      const known = facts.flatMap((fact) => (fact.kind === 'rule' && fact.rule !== undefined ? [fact.rule] : []));
      const chains = rules.flatMap((step) => (step.kind === 'chains' ? [step] : []));
      return chains.map((step) => ({
        ...step,
        ...(had && { owners: step.owners ?? [] }),
        facts: known.filter(({ family }) => family === step.family),
        replaces: true,
      }));
    },

    stepsFor: (facts, why) => facts.flatMap(renderRules).map((rule) => step(rule, why)),

    installed(kernel, why, sets) {
      const own = () => constant(4).chains.flatMap(({ chain, kept }) => (kept === true ? [] : [chain]));
      const chains = new Set(sets === undefined ? own() : Object.keys(sets).flatMap(chainsOf));
      const fixed = new Set(families.flatMap((family) => constant(family).rules).map(textOf));
      return families
        .flatMap((family) => readSavedRules(kernel, { variant, family }).countedIn(family, chains))
        .filter(({ rule }) => !fixed.has(textOf(rule)))
        .map(({ rule, counted }) => ({ step: step(rule, why), counted }));
    },
  };
}

function textOf({ family, chain, words }: IptablesRule): string {
  return `${family} ${chain} ${words.join(' ')}`;
}

/** `-4` or `-6` limits a line to one family, `?` to hosts with br_netfilter. */
const line = /^(?:-(?<family>[46]) )?(?<optional>\? )?(?:-(?<verb>[AI]) (?<chain>\S+) (?<words>.+))$/;

/**
 * Reads the chains and constant rules of one family from ruleset.rules.
 *
 * @param bridgeFilter is br_netfilter loaded? A rule that uses it would load it
 */
export function parseRuleset(
  text: string,
  family: Family,
  bridgeFilter: boolean,
): Pick<ChainsStep, 'chains' | 'rules' | 'ways'> {
  const chains: ChainsStep['chains'][number][] = [];
  const rules: IptablesRule[] = [];
  const ways: ChainsStep['ways'][number][] = [];
  let table: IptablesRule['table'] = 'filter';
  for (const each of text.split('\n')) {
    if (each.startsWith('*')) table = each.slice(1) as IptablesRule['table'];
    else if (each.startsWith(':')) chains.push(chainIn(table, each.slice(1).split(' ')[0] ?? ''));
    const found = line.exec(each)?.groups;
    if (found === undefined || (found.family ?? String(family)) !== String(family)) continue;
    if (found.optional !== undefined && !bridgeFilter) continue;
    const rule = { family, table, chain: found.chain ?? '', words: (found.words ?? '').split(' ') };
    if (chains.some(({ chain }) => chain === rule.chain)) rules.push(rule);
    else ways.push({ rule, at: found.verb === 'I' ? 'head' : 'tail' });
  }
  return { chains, rules, ways };
}

function chainIn(table: IptablesRule['table'], chain: string): ChainsStep['chains'][number] {
  return chain === 'GANGWAY-USER' ? { table, chain, kept: true } : { table, chain };
}
