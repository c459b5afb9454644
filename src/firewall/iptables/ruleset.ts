/** Reads ruleset.rules: which chains and which constant rules a family has. */
import type { ChainsStep } from '../../plan/step.ts';
import type { Family } from '../../values/address.ts';
import type { IptablesRule } from '../../values/iptables-rule.ts';

/** What a line is for: `-4` or `-6`, one family; `?`, a machine on which bridges ask the rules. */
const line = /^(?:-(?<family>[46]) )?(?<optional>\? )?(?:-(?<verb>[AI]) (?<chain>\S+) (?<words>.+))$/;

/**
 * The chains of one family, and the rules that never change.
 *
 * @param bridgeFilter does the kernel have br_netfilter loaded? A rule that asks for it would load it
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
