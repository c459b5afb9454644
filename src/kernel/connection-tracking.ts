/**
 * Flows, as connection tracking knows them: who speaks to whom, and what the firewall made of it.
 *
 * @see CTA_* in linux/netfilter/nfnetlink_conntrack.h, conntrack(8)
 */
import { attributes, struct } from '../netlink/attributes.ts';
import { address, u8, u16be, u32, u32be } from '../netlink/codec.ts';
import type { Connection } from '../netlink/connection.ts';
import { type RawMessage, readBody, request } from '../netlink/message.ts';
import { type Address, type Family, formatHost } from '../values/address.ts';
import { addressFamily } from './family.ts';

const NFNL_SUBSYS_CTNETLINK = 1;
const IPCTNL_MSG_CT_GET = 1;
const IPCTNL_MSG_CT_DELETE = 2;
const IPPROTO_UDP = 17;
/** CTA_FILTER_FLAG(CTA_PROTO_NUM), net/netfilter/nf_internals.h: of the tuple that is sent along, the protocol has to be the same. */
const protocolCounts = 1 << 3;
const NLM_F_CREATE = 0x400;
const protocolNames: Readonly<Record<number, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'icmpv6' };

const nfgenmsg = struct({ family: [1, u8], version: [1, u8], resource: [2, u16be] });
const tuple = attributes({
  ip: [
    1,
    attributes({
      source4: [1, address],
      destination4: [2, address],
      source6: [3, address],
      destination6: [4, address],
    }),
  ],
  protocol: [2, attributes({ number: [1, u8], sourcePort: [2, u16be], destinationPort: [3, u16be] })],
});
const flowAttributes = attributes({
  original: [1, tuple],
  reply: [2, tuple],
  status: [3, u32be],
  id: [12, u32be],
  filter: [25, attributes({ original: [1, u32] })],
});
const message = (name: string, number: number) => ({
  name,
  type: (NFNL_SUBSYS_CTNETLINK << 8) | number,
  header: nfgenmsg,
  attributes: flowAttributes,
});
const flowMessage = message('IPCTNL_MSG_CT_NEW', 0);
const getMessage = message('IPCTNL_MSG_CT_GET', IPCTNL_MSG_CT_GET);
const deleteMessage = message('IPCTNL_MSG_CT_DELETE', IPCTNL_MSG_CT_DELETE);

/** One direction of a flow. Ports are absent for protocols without. */
export interface FlowEnds {
  readonly source: Address;
  readonly destination: Address;
  readonly sourcePort: number | undefined;
  readonly destinationPort: number | undefined;
}

/** A change to a flow. `reply` is what the answers look like: where it differs from `original` turned round, the firewall translates. */
export interface FlowEvent {
  readonly kind: 'flow';
  readonly change: 'new' | 'update' | 'end';
  readonly protocol: string;
  readonly original: FlowEnds;
  readonly reply: FlowEnds;
}

/** @returns undefined for messages of other subsystems */
export function readFlowEvent(message: RawMessage): FlowEvent | undefined {
  if (message.type >> 8 !== NFNL_SUBSYS_CTNETLINK) return undefined;
  const { original, reply } = readBody(flowMessage, message.payload).attributes;
  const [there, back] = [ends(original), ends(reply)];
  if (there === undefined || back === undefined) return undefined;
  const number = original?.protocol?.number ?? 0;
  return {
    kind: 'flow',
    change: changeOf(message),
    protocol: protocolNames[number] ?? String(number),
    original: there,
    reply: back,
  };
}

function changeOf({ type, flags }: RawMessage): FlowEvent['change'] {
  if ((type & 0xff) === IPCTNL_MSG_CT_DELETE) return 'end';
  return (flags & NLM_F_CREATE) === 0 ? 'update' : 'new';
}

type Tuple = ReturnType<typeof tuple.read>;

function ends(found: Tuple | undefined): FlowEnds | undefined {
  const source = found?.ip?.source4 ?? found?.ip?.source6;
  const destination = found?.ip?.destination4 ?? found?.ip?.destination6;
  if (source === undefined || destination === undefined) return undefined;
  return {
    source,
    destination,
    sourcePort: found?.protocol?.sourcePort,
    destinationPort: found?.protocol?.destinationPort,
  };
}

/**
 * Has the kernel forget flows of UDP: what they are translated to was decided with their first datagram, and they go on
 * like that for as long as datagrams come, whatever the rules say by then.
 *
 *     conntrack -D -p udp --orig-dst 203.0.113.1 --orig-port-dst 5353
 *
 * @param chosen by what was asked for, before any translation
 * @throws KernelError
 */
export function forgetDatagramFlows(
  connection: Connection,
  family: Family,
  chosen: (original: FlowEnds) => boolean,
): void {
  const header = { family: addressFamily(family) };
  // Fewer to read. A kernel that does not know the filter sends all of them.
  const only = { original: { protocol: { number: IPPROTO_UDP } }, filter: { original: protocolCounts } };
  const flows = connection
    .dump(request('list flows', getMessage, 0, header, only), flowMessage)
    .flatMap(({ attributes: { original, id } }) => {
      const asked = original?.protocol?.number === IPPROTO_UDP ? ends(original) : undefined;
      return original !== undefined && asked !== undefined && chosen(asked) ? [{ original, id }] : [];
    });
  const failures = connection.executeEach(
    flows.map(({ original, id }) =>
      request('forget flow', deleteMessage, 0, header, { original, ...(id === undefined ? {} : { id }) }),
    ),
  );
  // It may have ended by itself meanwhile.
  const failure = failures.find((error) => error !== undefined && error.errno !== 'ENOENT');
  if (failure !== undefined) throw failure;
}

/** `203.0.113.2:40000 > 203.0.113.1:8080, answered by 172.17.0.2:80`. */
export function formatFlow({ protocol, original, reply }: FlowEvent): string {
  const from = host(original.source, original.sourcePort);
  const to = host(original.destination, original.destinationPort);
  const answering = host(reply.source, reply.sourcePort);
  const seenAs = host(reply.destination, reply.destinationPort);
  return `${protocol} ${from} > ${to}${answering === to ? '' : `, answered by ${answering}`}${seenAs === from ? '' : `, seen there as ${seenAs}`}`;
}

function host(address: Address, port: number | undefined): string {
  return port === undefined ? formatHost(address) : `${formatHost(address)}:${port}`;
}
