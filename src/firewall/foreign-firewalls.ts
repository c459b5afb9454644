/**
 * Finds other firewalls on the host that affect container traffic.
 *
 * Docker and ufw set the policy of iptables' FORWARD chain to DROP; firewalld ends its chain with a reject rule. A
 * packet must pass all tables, so such a chain drops packets that gangway's table accepts:
 *
 *      from a container --> inet gangway forward: accept --> ip filter FORWARD: no match, policy DROP
 *
 * In the other direction, gangway's own table drops foreign transit if only gangway enabled forwarding:
 *
 *      other container --> ip filter FORWARD: accept --> inet gangway transit: neither end is ours, drop
 *
 * Where other programs have rules in iptables' FORWARD, gangway therefore uses the iptables back end. Rules in any
 * other table can't be bypassed: gangway prints a warning with the remedy.
 */
import { readFileSync } from 'node:fs';
import { type ForwardChain, listForwardChains } from '../kernel/forward-chains.ts';
import { askProgram, findProgram } from '../kernel/run-program.ts';
import type { Connection } from '../netlink/connection.ts';
import { type Family, families } from '../values/address.ts';
import { GangwayError, ignoring } from '../values/errors.ts';
import type { Variant } from '../values/iptables-rule.ts';
import { commandOf, saveText } from './iptables/program.ts';

/** A foreign chain for forwarded packets, with rules or a drop policy. */
export interface ForeignFirewall {
  /** `chain FORWARD of table ip filter` */
  readonly where: string;
  readonly families: readonly Family[];
  readonly owner: 'firewalld' | 'iptables' | 'unknown';
  /** For iptables' own chain: the variant that shows it. */
  readonly variant?: Variant;
  /** Does the chain drop packets that no rule accepts? */
  readonly drops: boolean;
  /** The whole table as its program lists it. @throws GangwayError program-failed */
  readonly text: () => string;
}

/** @throws KernelError */
export function listForeignFirewalls(netfilter: Connection): readonly ForeignFirewall[] {
  return [
    ...listForwardChains(netfilter, 'gangway')
      .filter(({ drops, rules }) => drops || rules > 0)
      .map(neighbour),
    ...families.flatMap(legacyNeighbour),
  ];
}

function neighbour({ family, table, chain, drops }: ForwardChain): ForeignFirewall {
  const isIptables = family !== 'inet' && table === 'filter' && chain === 'FORWARD';
  return {
    where: `chain ${chain} of table ${family} ${table}`,
    families: family === 'inet' ? [4, 6] : [family === 'ip' ? 4 : 6],
    owner: isIptables ? 'iptables' : table === 'firewalld' ? 'firewalld' : 'unknown',
    ...(isIptables && { variant: 'nft' }),
    drops,
    text: () => listTable(family, table),
  };
}

function listTable(family: string, table: string): string {
  if (findProgram('nft') === undefined) return '';
  const { failed, output, complaint } = askProgram('nft', ['list', 'table', family, table]);
  if (!failed) return output;
  throw new GangwayError('program-failed', `nft failed: ${complaint.split('\n', 1)[0]}`);
}

/** The legacy tables, if they are in use: reading an unused one would create it. */
function legacyNeighbour(family: Family): readonly ForeignFirewall[] {
  const version = family === 4 ? 'ip' : 'ip6';
  const tables = ignoring('ENOENT', () => readFileSync(`/proc/net/${version}_tables_names`, 'utf8')) ?? '';
  const program = `${commandOf('legacy', family)}-save` as const;
  if (!tables.split('\n').includes('filter') || findProgram(program) === undefined) return [];
  const text = () => saveText(program, ['-t', 'filter']);
  const [policy = '', ...all] = text().match(/^(:FORWARD|-A FORWARD) .*$/gm) ?? [];
  const rules = all.filter((rule) => !rule.includes(' -j GANGWAY-'));
  const drops = policy.startsWith(':FORWARD DROP') || /^-A FORWARD -j (DROP|REJECT)\b/.test(rules.at(-1) ?? '');
  const where = `chain FORWARD of ${commandOf('legacy', family)}`;
  const found = { where, families: [family], owner: 'iptables', variant: 'legacy', drops, text } as const;
  return drops || rules.length > 0 ? [found] : [];
}

/** Does a rule name this link, directly or by a wildcard? @throws GangwayError program-failed */
export function mentionsLink({ text }: ForeignFirewall, link: string): boolean {
  const words = text().match(/[\w.-]+[*+]?/g) ?? [];
  return words.some((word) => (/[*+]$/.test(word) ? link.startsWith(word.slice(0, -1)) : word === link));
}

/** A warning that a foreign firewall drops traffic of a bridge, with the remedy. */
export function formatForeignDrop({ where, owner }: ForeignFirewall, bridge: string): string {
  return `${where} drops packets of ${bridge}, which none of its rules accepts: ${remedies[owner](bridge)}`;
}

const remedies: Readonly<Record<ForeignFirewall['owner'], (bridge: string) => string>> = {
  firewalld: (bridge) => `firewall-cmd --permanent --zone=trusted --add-interface=${bridge} && firewall-cmd --reload`,
  iptables: () => 'use gangway --firewall-backend=iptables',
  unknown: (bridge) => `accept packets from and to ${bridge} there`,
};
