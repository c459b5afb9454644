/**
 * The iptables back end: the same policy, for machines whose other programs speak iptables.
 *
 * Chains of our own, modelled on Docker's; what a network or a port adds to them are rules. See `iptables/ruleset.rules`,
 * which is written to be read.
 */
import { readFileSync } from 'node:fs';
import type { RuleStep } from '../plan/step.ts';
import type { Family } from '../values/address.ts';
import type { IptablesRule, Variant } from '../values/iptables-rule.ts';
import type { Backend } from './backend.ts';
import { savedRules } from './iptables/kinds.ts';
import { chainsOf, renderRules } from './iptables/render.ts';
import { parseRuleset } from './iptables/ruleset.ts';

const families = [4, 6] as const;

/**
 * @param variant which of the two programs called iptables
 * @param bridgeFilter does the kernel have br_netfilter loaded?
 */
export function iptables(variant: Variant, bridgeFilter: boolean): Backend {
  const text = readFileSync(new URL('../firewall/iptables/ruleset.rules', import.meta.url), 'utf8');
  const constant = (family: Family) => parseRuleset(text, family, bridgeFilter);
  const step = (rule: IptablesRule, why: string): RuleStep => ({ kind: 'rule', in: 'host', variant, rule, why });
  return {
    name: 'iptables',

    /** `iptables-restore --noflush`, once a family. */
    load: () =>
      families.map((family) => {
        const why = `the chains of every network, IPv${family}: their rules never change afterwards`;
        return { kind: 'chains', in: 'host', variant, family, ...constant(family), why };
      }),

    /** `iptables -I GANGWAY-… …`, one step a rule. */
    know: (facts, why) => facts.flatMap(renderRules).map((rule) => step(rule, why)),

    found(world, sets, why) {
      const chains = new Set(Object.keys(sets).flatMap(chainsOf));
      const fixed = new Set(families.flatMap((family) => constant(family).rules).map(textOf));
      return families
        .flatMap((family) => savedRules(world, { variant, family }).rulesIn(family, chains))
        .filter((rule) => !fixed.has(textOf(rule)))
        .map((rule) => step(rule, why));
    },
  };
}

function textOf({ family, chain, words }: IptablesRule): string {
  return `${family} ${chain} ${words.join(' ')}`;
}
