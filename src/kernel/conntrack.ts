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
import { ignoring } from '../values/errors.ts';
import { type Protocol, protocolNumbers } from '../values/port.ts';
import { present } from '../values/present.ts';
import { addressFamily } from './family.ts';
import { readSysctl } from './sysctl.ts';

const NFNL_SUBSYS_CTNETLINK = 1;
const IPCTNL_MSG_CT_GET = 1;
const IPCTNL_MSG_CT_DELETE = 2;
/** CTA_FILTER_FLAG(…), net/netfilter/nf_internals.h: what of a tuple that is sent along has to be the same. */
const counts = { source: 1 << 0, destination: 1 << 1, protocol: 1 << 3, sourcePort: 1 << 4, destinationPort: 1 << 5 };
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
  filter: [25, attributes({ original: [1, u32], reply: [2, u32] })],
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

/** As much of a flow as all those have in common that are looked for: what was asked, and who answers. */
export interface FlowFilter {
  readonly family: Family;
  /** Ports have a meaning with it alone. */
  readonly protocol?: Protocol;
  readonly original: Partial<FlowEnds>;
  readonly reply: Partial<FlowEnds>;
}

/** Both directions of a flow, as they lie on the wire. */
export interface Flow {
  readonly protocol: string;
  readonly original: FlowEnds;
  readonly reply: FlowEnds;
}

/** `sysctl -n net.netfilter.nf_conntrack_count`: where nothing is tracked, nothing has to be looked for. */
function isAnythingTracked(): boolean {
  return ignoring('ENOENT', () => readSysctl('net/netfilter/nf_conntrack_count')) !== '0';
}

/**
 * Has the kernel forget flows: what they are translated to was decided with their first packet, and they go on like that
 * for as long as packets come, whatever the rules say by then.
 *
 *     conntrack -D -p udp --orig-dst 203.0.113.1 --orig-port-dst 5353
 *
 * The kernel looks at its whole table, 10 ms for an empty one of 262,144 buckets; what the filter leaves out is not sent.
 *
 * @param chosen of what the filter lets through: of everything, where the kernel doesn't know filters
 * @throws KernelError
 */
export function forgetFlows(connection: Connection, filter: FlowFilter, chosen: (flow: Flow) => boolean): void {
  if (!isAnythingTracked()) return;
  const header = { family: addressFamily(filter.family) };
  const [there, back] = [sideOf(filter, filter.original), sideOf(filter, filter.reply)];
  const only = { original: there.tuple, reply: back.tuple, filter: { original: there.flags, reply: back.flags } };
  const flows = connection
    .dump(request('list flows', getMessage, 0, header, only), flowMessage)
    .flatMap(({ attributes: { original, reply, id } }) => {
      const [asked, answering] = [ends(original), ends(reply)];
      if (original === undefined || asked === undefined || answering === undefined) return [];
      const protocol = protocolOf(original);
      return chosen({ protocol, original: asked, reply: answering }) ? [{ original, id }] : [];
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

/**
 * One direction of a filter: a tuple, and what of it counts. Addresses of IPv6 are left out: kernels (6.18, say) send
 * exactly those flows that have another one, ctnetlink_filter_match_tuple in net/netfilter/nf_conntrack_netlink.c.
 */
function sideOf(
  { family, protocol }: FlowFilter,
  { source, destination, sourcePort, destinationPort }: Partial<FlowEnds>,
) {
  const number = protocol && protocolNumbers[protocol];
  const addresses = family === 4 ? { source, destination } : {};
  const values = { ...addresses, protocol: number, sourcePort, destinationPort };
  return {
    tuple: present({
      ip: present({ source4: addresses.source, destination4: addresses.destination }),
      protocol: present({ number, sourcePort, destinationPort }),
    }),
    flags: Object.keys(present(values)).reduce((bits, key) => bits | counts[key as keyof typeof counts], 0),
  };
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
