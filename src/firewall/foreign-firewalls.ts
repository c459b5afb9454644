/**
 * Other firewalls of this machine, as far as containers meet them.
 *
 * Docker and ufw set the policy of iptables' FORWARD to DROP; firewalld ends its own chain with a rule that rejects. What
 * our table lets pass is dropped there, since a packet has to please all tables:
 *
 *     from a container --> inet gangway forward: may pass --> ip filter FORWARD: no rule speaks of it, policy DROP
 *
 * And the other way round: where the machine forwards for us alone, our table drops what others let pass.
 *
 *     from their container --> ip filter FORWARD: accepted --> inet gangway transit: between strangers, dropped
 *
 * So where others have rules in iptables' FORWARD, ours stand there, too: before theirs as far as packets are ours, behind
 * theirs as far as they are not. Into any other table no rule of ours reaches: its owner has to be told, and is.
 */
import { readFileSync } from 'node:fs';
import { type ForwardChain, listForwardChains } from '../kernel/forward-chains.ts';
import { askProgram, findProgram } from '../kernel/run-program.ts';
import type { Connection } from '../netlink/connection.ts';
import { type Family, families } from '../values/address.ts';
import { GangwayError, ignoring } from '../values/errors.ts';
import type { Variant } from '../values/iptables-rule.ts';
import { commandOf, saveText } from './iptables/program.ts';

/** A chain of somebody else's for forwarded packets, with rules or a policy. */
export interface ForeignFirewall {
  /** `chain FORWARD of table ip filter` */
  readonly where: string;
  readonly families: readonly Family[];
  readonly owner: 'firewalld' | 'iptables' | 'somebody';
  /** Of iptables' own chain: which of the two programs shows it. */
  readonly variant?: Variant;
  /** What none of its rules lets pass. */
  readonly drops: boolean;
  /** Everything in its table, as its program lists it. @throws GangwayError program-failed */
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
    owner: isIptables ? 'iptables' : table === 'firewalld' ? 'firewalld' : 'somebody',
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

/** The kernel's old tables, where somebody uses them: to ask for one would make it. */
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

/** Is there a rule that speaks of this link, or of all whose names begin like its own? @throws GangwayError program-failed */
export function mentionsLink({ text }: ForeignFirewall, link: string): boolean {
  const words = text().match(/[\w.-]+[*+]?/g) ?? [];
  return words.some((word) => (/[*+]$/.test(word) ? link.startsWith(word.slice(0, -1)) : word === link));
}

/** What stands in the way of the containers behind a bridge, and what its owner has to say to it. */
export function formatForeignDrop({ where, owner }: ForeignFirewall, bridge: string): string {
  return `${where} drops what none of its rules lets pass, and none speaks of ${bridge}: ${remedies[owner](bridge)}`;
}

const remedies: Readonly<Record<ForeignFirewall['owner'], (bridge: string) => string>> = {
  firewalld: (bridge) => `firewall-cmd --permanent --zone=trusted --add-interface=${bridge} && firewall-cmd --reload`,
  iptables: () => 'move the firewall there with gangway --firewall-backend=iptables',
  somebody: (bridge) => `let pass there what comes from ${bridge} and what goes to it`,
};
