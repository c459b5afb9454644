/**
 * What happens to nf_tables, `nft monitor`: who changed it, and whether something was taken away, or rules came.
 *
 * @see NFNLGRP_NFTABLES in linux/netfilter/nfnetlink.h, NFTA_GEN_* in linux/netfilter/nf_tables.h
 */
import { attributes } from '../netlink/attributes.ts';
import { cstring, u32be } from '../netlink/codec.ts';
import { EventStream, groups, openEvents } from '../netlink/events.ts';
import { type RawMessage, readBody } from '../netlink/message.ts';
import { nfgenmsg, nft, tableAttributes } from './nftables.ts';

type Kind = 'table' | 'chain' | 'rule' | 'set' | 'element';

/** The messages that tell of an end, and of new chains and rules: what becomes of a packet may be another thing since. */
const told: ReadonlyMap<number, Kind> = new Map([
  [nft(2), 'table'],
  [nft(3), 'chain'],
  [nft(5), 'chain'],
  [nft(6), 'rule'],
  [nft(8), 'rule'],
  [nft(11), 'set'],
  [nft(14), 'element'],
]);

const NFT_MSG_NEWGEN = {
  name: 'NFT_MSG_NEWGEN',
  type: nft(15),
  header: nfgenmsg,
  attributes: attributes({ generation: [1, u32be], pid: [2, u32be], program: [3, cstring] }),
};
/** NFTA_TABLE_NAME, NFTA_CHAIN_TABLE, NFTA_RULE_TABLE, NFTA_SET_TABLE, NFTA_SET_ELEM_LIST_TABLE: number 1 of all of them. */
const about = { name: 'NFT_MSG_*', type: 0, header: nfgenmsg, attributes: tableAttributes };

/** One transaction that took something away, or brought chains and rules. */
export interface RulesetChange {
  /** The name of the program's process, of at most 15 letters: `nft`, `firewalld`. */
  readonly program: string;
  readonly tables: ReadonlySet<string>;
  readonly kinds: ReadonlySet<Kind>;
}

export interface RulesetChanges extends AsyncIterable<RulesetChange> {
  close(): void;
}

/** Transactions from now on, in the network namespace of this process. Ending the loop ends it. */
export function watchRuleset(): RulesetChanges {
  const stream = new EventStream(openEvents('netfilter', [groups.netfilter.tables]));
  return { close: () => stream.close(), [Symbol.asyncIterator]: () => changes(stream) };
}

/** Everything that is told up to a NEWGEN was one transaction, and that says whose it was. */
async function* changes(messages: AsyncIterable<RawMessage>): AsyncGenerator<RulesetChange, void, undefined> {
  let tables = new Set<string>();
  let kinds = new Set<Kind>();
  for await (const { type, payload } of messages) {
    const kind = told.get(type);
    if (kind !== undefined) {
      kinds.add(kind);
      tables.add(readBody(about, payload).attributes.name ?? '');
    }
    if (type !== NFT_MSG_NEWGEN.type || kinds.size === 0) continue;
    yield { program: readBody(NFT_MSG_NEWGEN, payload).attributes.program ?? '', tables, kinds };
    tables = new Set();
    kinds = new Set();
  }
}
