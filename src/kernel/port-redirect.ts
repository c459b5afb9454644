/**
 * A table of nf_tables that leads a port of an address of the machine itself to another port of it, for who asks from
 * within.
 *
 *     table ip NAME {
 *       chain output {
 *         type nat hook output priority dstnat; policy accept;
 *         ip daddr 127.0.0.11 udp dport 53 dnat to 127.0.0.11:61053
 *         ip daddr 127.0.0.11 tcp dport 53 dnat to 127.0.0.11:61053
 *       }
 *     }
 *
 * The answers need no rule: connection tracking puts the old port back into every packet of the flow. It is one table with
 * one chain and two rules, so it is written here as nft(8) would write it, which takes a process and ten milliseconds.
 *
 * @see linux/netfilter/nf_tables.h, `nft --debug=netlink`
 */
import { attributes, list } from '../netlink/attributes.ts';
import { binary, cstring, u32be } from '../netlink/codec.ts';
import type { Connection } from '../netlink/connection.ts';
import { flags, request } from '../netlink/message.ts';
import { type Address, formatAddress, toBytes } from '../values/address.ts';
import { NFPROTO_IPV4, nfgenmsg, nft, tableAttributes, transact } from './nftables.ts';

/** A port, and the one of the same IPv4 address that answers in its place. */
export interface PortDiversion {
  readonly address: Address;
  readonly port: number;
  readonly to: number;
}

const NF_INET_LOCAL_OUT = 3;
const NF_ACCEPT = 1;
/** -100, which nft(8) calls `dstnat`. */
const NF_IP_PRI_NAT_DST = 0xffffff9c;
const NFT_REG_1 = 1;
const NFT_REG_2 = 2;
const NFT_CMP_EQ = 0;
const NFT_META_L4PROTO = 16;
const NFT_NAT_DNAT = 1;
const NFT_PAYLOAD_NETWORK_HEADER = 1;
const NFT_PAYLOAD_TRANSPORT_HEADER = 2;

const protocols = { udp: 17, tcp: 6 } as const;
const chain = 'output';

/** NFTA_HOOK_* and NFTA_CHAIN_* */
const hook = attributes({ number: [1, u32be], priority: [2, u32be] });
const chainAttributes = attributes({
  table: [1, cstring],
  name: [3, cstring],
  hook: [4, hook],
  policy: [5, u32be],
  type: [7, cstring],
});

/** NFTA_PAYLOAD_*, NFTA_CMP_*, NFTA_META_*, NFTA_IMMEDIATE_*, NFTA_NAT_* */
const data = attributes({ value: [1, binary] });
const payload = attributes({ register: [1, u32be], base: [2, u32be], offset: [3, u32be], length: [4, u32be] });
const compare = attributes({ register: [1, u32be], operator: [2, u32be], data: [3, data] });
const meta = attributes({ register: [1, u32be], key: [2, u32be] });
const immediate = attributes({ register: [1, u32be], data: [2, data] });
const nat = attributes({ type: [1, u32be], family: [2, u32be], address: [3, u32be], port: [5, u32be] });

/** NFTA_EXPR_*: what stands in number 2 follows from the name. */
const expression = attributes({
  name: [1, cstring],
  payload: [2, payload],
  compare: [2, compare],
  meta: [2, meta],
  immediate: [2, immediate],
  nat: [2, nat],
});
const ruleAttributes = attributes({ table: [1, cstring], chain: [2, cstring], expressions: [4, list(1, expression)] });

const NFT_MSG_NEWTABLE = { name: 'NFT_MSG_NEWTABLE', type: nft(0), header: nfgenmsg, attributes: tableAttributes };
const NFT_MSG_NEWCHAIN = { name: 'NFT_MSG_NEWCHAIN', type: nft(3), header: nfgenmsg, attributes: chainAttributes };
const NFT_MSG_NEWRULE = { name: 'NFT_MSG_NEWRULE', type: nft(6), header: nfgenmsg, attributes: ruleAttributes };

/**
 * Makes the table in the connection's namespace: all of it or nothing.
 *
 * @throws KernelError EEXIST where there is such a table; EOPNOTSUPP, ENOENT where the kernel lacks NAT
 */
export function addPortDiversion(connection: Connection, table: string, diversion: PortDiversion): void {
  const header = { family: NFPROTO_IPV4 };
  const where = `table ip ${table}`;
  transact(connection, [
    request(`add ${where}`, NFT_MSG_NEWTABLE, flags.create | flags.exclusive, header, { name: table }),
    request(`add chain ${chain} to ${where}`, NFT_MSG_NEWCHAIN, flags.create | flags.exclusive, header, {
      table,
      name: chain,
      hook: { number: NF_INET_LOCAL_OUT, priority: NF_IP_PRI_NAT_DST },
      policy: NF_ACCEPT,
      type: 'nat',
    }),
    ...(['udp', 'tcp'] as const).map((protocol) =>
      request(`add rule for ${protocol} to ${where}`, NFT_MSG_NEWRULE, flags.create | flags.append, header, {
        table,
        chain,
        expressions: expressions(protocols[protocol], diversion),
      }),
    ),
  ]);
}

/** `ip daddr ADDRESS PROTOCOL dport PORT dnat to ADDRESS:TO`, for the kernel's little machine with its registers. */
function expressions(protocol: number, { address, port, to }: PortDiversion) {
  const isEqual = (value: Uint8Array) => ({
    name: 'cmp',
    compare: { register: NFT_REG_1, operator: NFT_CMP_EQ, data: { value } },
  });
  const load = (base: number, offset: number, length: number) => ({
    name: 'payload',
    payload: { register: NFT_REG_1, base, offset, length },
  });
  const set = (register: number, value: Uint8Array) => ({
    name: 'immediate',
    immediate: { register, data: { value } },
  });
  return [
    // daddr stands at byte 16 of an IPv4 header, the destination port at byte 2 of UDP's and TCP's.
    load(NFT_PAYLOAD_NETWORK_HEADER, 16, 4),
    isEqual(toBytes(address)),
    { name: 'meta', meta: { register: NFT_REG_1, key: NFT_META_L4PROTO } },
    isEqual(Uint8Array.of(protocol)),
    load(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2),
    isEqual(networkOrder(port)),
    set(NFT_REG_1, toBytes(address)),
    set(NFT_REG_2, networkOrder(to)),
    {
      name: 'nat',
      nat: { type: NFT_NAT_DNAT, family: NFPROTO_IPV4, address: NFT_REG_1, port: NFT_REG_2 },
    },
  ];
}

function networkOrder(port: number): Uint8Array {
  return Uint8Array.of(port >> 8, port & 0xff);
}

/** The same table in the words of nft(8). */
export function formatPortDiversion(table: string, { address, port, to }: PortDiversion): string {
  const text = formatAddress(address);
  return [
    `table ip ${table} {`,
    `  chain ${chain} {`,
    '    type nat hook output priority dstnat; policy accept;',
    ...Object.keys(protocols).map((name) => `    ip daddr ${text} ${name} dport ${port} dnat to ${text}:${to}`),
    '  }',
    '}',
  ].join('\n');
}
