/**
 * The chains of nf_tables that every forwarded packet goes through, whoever made them: what becomes of a packet of which
 * none of their rules speaks?
 *
 *     nft list chains | grep 'hook forward'
 *
 * @see NFTA_CHAIN_*, NFTA_RULE_*, NFTA_EXPR_* in linux/netfilter/nf_tables.h
 */
import { attributes, list } from '../netlink/attributes.ts';
import { cstring, u32be } from '../netlink/codec.ts';
import type { Connection } from '../netlink/connection.ts';
import { request } from '../netlink/message.ts';
import { ignoring } from '../values/errors.ts';
import { nfgenmsg, nft } from './nftables.ts';

const NF_INET_FORWARD = 2;
const NF_DROP = 0;
/** NFPROTO_*, linux/netfilter.h. */
const families: Readonly<Record<number, ForwardChain['family']>> = { 1: 'inet', 2: 'ip', 10: 'ip6' };

const verdict = attributes({ verdict: [2, attributes({ code: [1, u32be], chain: [2, cstring] })] });
/** Of `immediate` the value is asked for, of iptables' `target` the name. */
const expression = attributes({
  kind: [1, cstring],
  data: [2, attributes({ name: [1, cstring], value: [2, verdict] })],
});
const NFT_MSG_GETCHAIN = {
  name: 'NFT_MSG_GETCHAIN',
  type: nft(4),
  header: nfgenmsg,
  attributes: attributes({
    table: [1, cstring],
    chain: [3, cstring],
    hook: [4, attributes({ number: [1, u32be] })],
    policy: [5, u32be],
  }),
};
const NFT_MSG_NEWCHAIN = { ...NFT_MSG_GETCHAIN, name: 'NFT_MSG_NEWCHAIN', type: nft(3) };
const NFT_MSG_GETRULE = {
  name: 'NFT_MSG_GETRULE',
  type: nft(7),
  header: nfgenmsg,
  attributes: attributes({ table: [1, cstring], chain: [2, cstring], expressions: [4, list(1, expression)] }),
};
const NFT_MSG_NEWRULE = { ...NFT_MSG_GETRULE, name: 'NFT_MSG_NEWRULE', type: nft(6) };

export interface ForwardChain {
  readonly family: 'inet' | 'ip' | 'ip6';
  readonly table: string;
  readonly chain: string;
  /** How many rules it has, without those that only lead to chains of ours. */
  readonly rules: number;
  /** By its policy, or by a last rule for all that is left: what no rule lets pass doesn't. */
  readonly drops: boolean;
}

/**
 * @param without the name of a table that is not asked about
 * @returns nothing where the kernel has no nf_tables @throws KernelError
 */
export function listForwardChains(connection: Connection, without: string): readonly ForwardChain[] {
  const question = request('list chains', NFT_MSG_GETCHAIN, 0, {}, {});
  const all = ignoring(['EINVAL', 'EOPNOTSUPP'], () => connection.dump(question, NFT_MSG_NEWCHAIN)) ?? [];
  return all.flatMap(({ header, attributes: { table, chain, hook, policy } }) => {
    const family = families[header.family ?? 0];
    if (family === undefined || table === undefined || chain === undefined) return [];
    if (table === without || hook?.number !== NF_INET_FORWARD) return [];
    const question = request(`list rules of ${chain}`, NFT_MSG_GETRULE, 0, header, { table, chain });
    const rules = connection.dump(question, NFT_MSG_NEWRULE).map(({ attributes }) => attributes.expressions ?? []);
    return [
      {
        family,
        table,
        chain,
        rules: rules.filter((rule) => !leadsToOurs(rule)).length,
        drops: policy === NF_DROP || isEnd(rules.at(-1) ?? []),
      },
    ];
  });
}

function leadsToOurs(expressions: readonly Expression[]): boolean {
  return expressions.some(({ data }) => data?.value?.verdict?.chain?.startsWith('GANGWAY-'));
}

/** A rule that drops whatever has come to it. */
function isEnd(expressions: readonly Expression[]): boolean {
  return expressions.some(isDrop) && expressions.every((each) => isDrop(each) || passesAll.has(each.kind ?? ''));
}

const passesAll: ReadonlySet<string> = new Set(['counter', 'log']);

type Expression = ReturnType<typeof expression.read>;

function isDrop({ kind, data }: Expression): boolean {
  if (kind === 'immediate') return data?.value?.verdict?.code === NF_DROP;
  return kind === 'reject' || (kind === 'target' && data?.name === 'REJECT');
}
