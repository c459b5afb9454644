/**
 * Rules of iptables, as values.
 *
 * A rule that comes and goes is one of these, written once in the words and in the order in which iptables-save(8) prints
 * it: so it is added, removed, looked for and explained from the same value, and compared as text.
 */
import type { Family } from './address.ts';

/** The two programs called iptables: one speaks to nf_tables, the other one to the kernel's old tables. Never both. */
export type Variant = 'nft' | 'legacy';

export interface IptablesRule {
  readonly family: Family;
  readonly table: 'raw' | 'mangle' | 'nat' | 'filter';
  readonly chain: string;
  /** `-s 172.17.0.0/16 -o gangway0 -j ACCEPT`, word by word. */
  readonly words: readonly string[];
}

/** `-A GANGWAY-PORTS -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80` */
export function formatRule({ chain, words }: IptablesRule, verb: '-A' | '-I' | '-D' = '-A'): string {
  return [verb, chain, ...words].join(' ');
}
