/**
 * Connection tracking: the kernel's messages about flows, decoded. flow-deletion.ts deletes flows.
 *
 * The kernel keeps two tuples for each flow. `original` holds the addresses and ports of the first packet, `reply` those of
 * an answer. Where `reply` is not `original` with its ends exchanged, the firewall translates the flow (NAT):
 *
 *     original   203.0.113.2:40000 -> 203.0.113.1:8080      a client connects to a published port
 *     reply      172.17.0.2:80     -> 203.0.113.2:40000     the container answers
 *
 * The firewall decides on the translation with the first packet alone. A flow therefore outlives the rule that translated
 * it, for as long as packets come, until the flow is deleted.
 *
 * @see CTA_* in linux/netfilter/nfnetlink_conntrack.h, conntrack(8)
 */
import { attributes, struct } from '../netlink/attributes.ts';
import { address, u8, u16be, u32, u32be } from '../netlink/codec.ts';
import { type RawMessage, readBody } from '../netlink/message.ts';
import { type Address, formatHost } from '../values/address.ts';

const NFNL_SUBSYS_CTNETLINK = 1;
export const IPCTNL_MSG_CT_DELETE = 2;
/** linux/netfilter/nf_conntrack_common.h: the destination is translated. */
export const IPS_DST_NAT = 1 << 5;
const NLM_F_CREATE = 0x400;
const protocolNames: Readonly<Record<number, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'icmpv6', 132: 'sctp' };

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
  protocol: [
    2,
    attributes({
      number: [1, u8],
      sourcePort: [2, u16be],
      destinationPort: [3, u16be],
      icmpId: [4, u16be],
      icmpType: [5, u8],
      icmpCode: [6, u8],
      icmp6Id: [7, u16be],
      icmp6Type: [8, u8],
      icmp6Code: [9, u8],
    }),
  ],
});
const flowAttributes = attributes({
  original: [1, tuple],
  reply: [2, tuple],
  status: [3, u32be],
  id: [12, u32be],
  zone: [18, u16be],
  filter: [25, attributes({ original: [1, u32], reply: [2, u32] })],
});
/** Describes a message of ctnetlink by its IPCTNL_MSG_CT_* number. */
export const flowMessage = (name: string, number: number) => ({
  name,
  type: (NFNL_SUBSYS_CTNETLINK << 8) | number,
  header: nfgenmsg,
  attributes: flowAttributes,
});
const newFlow = flowMessage('IPCTNL_MSG_CT_NEW', 0);

/** The addresses and ports of one direction of a flow. Protocols such as ICMP have no ports. */
export interface FlowEnds {
  readonly source: Address;
  readonly destination: Address;
  readonly sourcePort: number | undefined;
  readonly destinationPort: number | undefined;
}

/** A flow that begins, changes or ends. */
export interface FlowEvent {
  readonly kind: 'flow';
  readonly change: 'new' | 'update' | 'end';
  readonly protocol: string;
  readonly original: FlowEnds;
  readonly reply: FlowEnds;
}

/** Decodes a conntrack event. @returns undefined for a message of another nfnetlink subsystem */
export function readFlowEvent(message: RawMessage): FlowEvent | undefined {
  if (message.type >> 8 !== NFNL_SUBSYS_CTNETLINK) return undefined;
  const { original, reply } = readBody(newFlow, message.payload).attributes;
  const [there, back] = [ends(original), ends(reply)];
  if (there === undefined || back === undefined) return undefined;
  return {
    kind: 'flow',
    change: changeOf(message),
    protocol: protocolOf(original),
    original: there,
    reply: back,
  };
}

function changeOf({ type, flags }: RawMessage): FlowEvent['change'] {
  if ((type & 0xff) === IPCTNL_MSG_CT_DELETE) return 'end';
  return (flags & NLM_F_CREATE) === 0 ? 'update' : 'new';
}

type Tuple = ReturnType<typeof tuple.read>;

function protocolOf(found: Tuple | undefined): string {
  const number = found?.protocol?.number ?? 0;
  return protocolNames[number] ?? String(number);
}

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

/** Both directions of a tracked flow. */
export interface Flow {
  readonly protocol: string;
  readonly original: FlowEnds;
  readonly reply: FlowEnds;
  /** The firewall redirects the flow to another destination (DNAT). */
  readonly translated: boolean;
}

/** Decodes both directions. @returns undefined where one has no addresses */
export function flowOf({ original, reply, status = 0 }: ReturnType<typeof flowAttributes.read>): Flow | undefined {
  const [there, back] = [ends(original), ends(reply)];
  if (there === undefined || back === undefined) return undefined;
  return { protocol: protocolOf(original), original: there, reply: back, translated: (status & IPS_DST_NAT) !== 0 };
}

/** Formats a flow: `203.0.113.2:40000 > 203.0.113.1:8080, answered by 172.17.0.2:80`. */
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
