/**
 * The iptables back end: the same policy, for machines whose other programs speak iptables.
 *
 * Chains of our own, modelled on Docker's; what a network or a port adds to them are rules. See `iptables/ruleset.rules`,
 * which is written to be read.
 */
import { readFileSync } from 'node:fs';
import type { ChainsStep, RuleStep } from '../plan/step.ts';
import { type Family, families } from '../values/address.ts';
import { GangwayError } from '../values/errors.ts';
import type { IptablesRule, Variant } from '../values/iptables-rule.ts';
import type { Backend } from './backend.ts';
import { readSavedRules } from './iptables/kinds.ts';
import { chainsOf, renderRules } from './iptables/render.ts';
import { parseRuleset } from './iptables/ruleset.ts';
import { readUserRules, userFiles, withoutComment } from './user-rules.ts';

/** @throws GangwayError invalid-option for a line that is no rule of GANGWAY-USER, and for one whose comment may be its target */
export function parseUserRules(lines: readonly string[], family: Family): readonly IptablesRule[] {
  const wrong = lines.find((line) => !/^(-[46] )?-A GANGWAY-USER /.test(line));
  if (wrong !== undefined) {
    throw new GangwayError('invalid-option', `${userFiles.iptables}: "${wrong}" is no rule of GANGWAY-USER`, {
      hint: 'begin each line with -A GANGWAY-USER, and with -4 or -6 before it if it is for one family',
    });
  }
  const rules = lines.map(withoutComment);
  // A rule without a target counts, and iptables takes it: what was meant to drop would let pass.
  const aimless = lines.find((line, index) => line !== rules[index] && !hasTarget(rules[index] ?? ''));
  if (aimless !== undefined) {
    throw new GangwayError(
      'invalid-option',
      `${userFiles.iptables}: "${aimless}" does not say what becomes of a packet before its comment`,
      {
        hint: 'a # behind a blank begins a comment, unless it stands in quotes; a rule that only counts has it on a line of its own',
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
      const why = `the chains of every network, IPv${family}: their rules never change afterwards`;
      const owners = parseUserRules(lines, family);
      const chains = { ...constant(family), ...(owners.length === 0 ? {} : { owners }) };
      return { kind: 'chains', in: 'host', variant, family, ...chains, why };
    });
  return {
    name: 'iptables',

    precedes: (other) => other === variant,

    /** `iptables-restore --noflush`, once a family. */
    load,

    reload(rules, facts, old) {
      // The owner's rules that an older file had go with it; those that somebody typed in stay.
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

    /** `iptables -I GANGWAY-… …`, one step a rule. */
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
