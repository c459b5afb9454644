/**
 * Connection tracking: reads the kernel's flow events and deletes flows.
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
import type { Connection } from '../netlink/connection.ts';
import { type RawMessage, readBody, request } from '../netlink/message.ts';
import { type Address, type Family, formatAddress, formatHost, sameAddress, toBytes } from '../values/address.ts';
import { hasErrno, ignoring, type KernelError } from '../values/errors.ts';
import { grouped } from '../values/grouped.ts';
import { type Protocol, protocolNumbers } from '../values/port.ts';
import { present } from '../values/present.ts';
import { addressFamily } from './family.ts';
import { readSysctl } from './sysctl.ts';

const NFNL_SUBSYS_CTNETLINK = 1;
const IPCTNL_MSG_CT_GET = 1;
const IPCTNL_MSG_CT_DELETE = 2;
/** CTA_FILTER_F_*, net/netfilter/nf_internals.h: the fields of a tuple that a flow has to match. */
const filterFlags = {
  source: 1 << 0,
  destination: 1 << 1,
  protocol: 1 << 3,
  sourcePort: 1 << 4,
  destinationPort: 1 << 5,
};
/** linux/netfilter/nf_conntrack_common.h: the destination is translated. */
const IPS_DST_NAT = 1 << 5;
/** include/net/netfilter/nf_conntrack_zones.h: the zone of every flow that no rule has put into another one. */
const NF_CT_DEFAULT_ZONE_ID = 0;
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
  timeout: [7, u32be],
  id: [12, u32be],
  zone: [18, u16be],
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

/** Both directions of a tracked flow. */
interface Flow {
  readonly protocol: string;
  readonly original: FlowEnds;
  readonly reply: FlowEnds;
  /** The firewall redirects the flow to another destination (DNAT). */
  readonly translated: boolean;
}

/** Selects the flows that match every given field. */
export interface FlowFilter {
  readonly family: Family;
  /** Required where a port is given. */
  readonly protocol?: Protocol;
  readonly original?: Partial<FlowEnds>;
  readonly reply?: Partial<FlowEnds>;
  /** Selects only flows whose destination is translated (DNAT). */
  readonly translated?: true;
  /** Selects by the original destination, by a condition that the kernel cannot check. */
  readonly isDestination?: (destination: Address) => boolean;
}

/** Above this number of filters, one dump takes less time than a filtered delete for each. */
const mostFilteredDeletes = 8;

/**
 * Deletes the flows that match any of the filters.
 *
 *     conntrack -D -p udp --orig-dst 203.0.113.1 --orig-port-dst 5353
 *
 * The kernel deletes by filter where it can (see `isExact`): 0.12 ms, and 0.12 µs more for each flow in its table. For all
 * other filters of a family together, one dump lists the flows, and those that match are deleted one by one. A dump
 * takes 9 ms even if the table is almost empty, since the kernel locks each of its 262,144 buckets.
 *
 * @throws KernelError
 */
export function deleteFlows(connection: Connection, filters: readonly FlowFilter[]): void {
  if (filters.length === 0 || !isAnythingTracked()) return;
  const exact = filters.filter(isExact);
  const refused = exact.length > mostFilteredDeletes ? exact : deleteByFilter(connection, exact);
  const left = [...refused, ...filters.filter((filter) => !isExact(filter))];
  for (const [family, some] of grouped(left, (filter) => filter.family)) deleteByDump(connection, family, some);
}

/** `sysctl -n net.netfilter.nf_conntrack_count` */
function isAnythingTracked(): boolean {
  return ignoring('ENOENT', () => readSysctl('net/netfilter/nf_conntrack_count')) !== '0';
}

/**
 * Reports whether the kernel, given the filter, deletes exactly the flows that match it. Linux 6.18 inverts the addresses of
 * an IPv6 filter, so it would delete every other flow, and it ignores the ports of SCTP: ctnetlink_filter_match_tuple in
 * net/netfilter/nf_conntrack_netlink.c. A filter without addresses and ports would delete all flows.
 */
function isExact({ family, protocol, original, reply, isDestination }: FlowFilter): boolean {
  const given = [original, reply].flatMap((ends) => Object.keys(present(ends ?? {})));
  const isPortIgnored = protocol === 'sctp' && given.some((key) => key === 'sourcePort' || key === 'destinationPort');
  return family === 4 && given.length > 0 && !isPortIgnored && isDestination === undefined;
}

/**
 * Deletes flows by filter, within the kernel. Kernels before Linux 6.11 take the tuples for those of one flow, and refuse
 * them because they are incomplete. The zone keeps flows that another program tracks apart, such as Open vSwitch.
 *
 * @returns the filters that the kernel does not support
 */
function deleteByFilter(connection: Connection, filters: readonly FlowFilter[]): readonly FlowFilter[] {
  const requests = filters.map((filter) =>
    request('delete flows', deleteMessage, 0, headerOf(filter.family), {
      ...kernelFilter(filter),
      zone: NF_CT_DEFAULT_ZONE_ID,
    }),
  );
  const errors = connection.executeEach(requests);
  throwFirst(errors, 'EINVAL', 'EOPNOTSUPP');
  return filters.filter((_, index) => errors[index] !== undefined);
}

function deleteByDump(connection: Connection, family: Family, filters: readonly FlowFilter[]): void {
  const header = headerOf(family);
  const list = request('list flows', getMessage, 0, header, kernelFilter(commonFilter(filters)));
  const matching = connection.dump(list, flowMessage, mayMatch(filters)).flatMap(({ attributes }) => {
    const flow = flowOf(attributes);
    if (flow === undefined || !filters.some((filter) => matches(flow, filter))) return [];
    return [present({ original: attributes.original, id: attributes.id })];
  });
  const deletions = matching.map((one) => request('delete flow', deleteMessage, 0, header, one));
  // ENOENT: the flow has ended since the dump.
  throwFirst(connection.executeEach(deletions), 'ENOENT');
}

function headerOf(family: Family) {
  return { family: addressFamily(family) };
}

function throwFirst(errors: readonly (KernelError | undefined)[], ...ignored: readonly string[]): void {
  const failure = errors.find((error) => error !== undefined && !hasErrno(error, ...ignored));
  if (failure !== undefined) throw failure;
}

function flowOf({ original, reply, status = 0 }: ReturnType<typeof flowAttributes.read>): Flow | undefined {
  const [there, back] = [ends(original), ends(reply)];
  if (there === undefined || back === undefined) return undefined;
  return { protocol: protocolOf(original), original: there, reply: back, translated: (status & IPS_DST_NAT) !== 0 };
}

function matches(flow: Flow, { protocol, original, reply, translated, isDestination }: FlowFilter): boolean {
  if (protocol !== undefined && flow.protocol !== protocol) return false;
  if (translated === true && !flow.translated) return false;
  if (!includes(flow.original, original) || !includes(flow.reply, reply)) return false;
  return isDestination === undefined || isDestination(flow.original.destination);
}

/** Reports whether the ends have every given value. */
function includes(ends: Partial<FlowEnds> | undefined, given: Partial<FlowEnds> = {}): boolean {
  return (Object.keys(given) as (keyof FlowEnds)[]).every((key) => isSame(ends?.[key], given[key]));
}

function isSame(one: Address | number | undefined, other: Address | number | undefined): boolean {
  return typeof one === 'object' && typeof other === 'object' ? sameAddress(one, other) : one === other;
}

/** The narrowest filter that every flow of every filter matches: the kernel sends fewer flows. */
function commonFilter(filters: readonly FlowFilter[]): FlowFilter {
  return filters.reduce(({ family, protocol, original, reply, translated }, other) => {
    const isShared = protocol !== undefined && protocol === other.protocol;
    const shared = (side: 'original' | 'reply', one: Partial<FlowEnds> = {}) =>
      Object.fromEntries(
        Object.entries(one).filter(([key, value]) => {
          // The kernel refuses a port without its protocol.
          return (typeof value === 'object' || isShared) && includes(other[side], { [key]: value });
        }),
      );
    return present({
      family,
      protocol: isShared ? protocol : undefined,
      original: shared('original', original),
      reply: shared('reply', reply),
      translated: other.translated && translated,
    });
  });
}

/**
 * A cheap test before a flow is decoded, which takes 8 µs: the message contains an address of one of the filters.
 *
 * @returns undefined where a filter has no address
 */
function mayMatch(filters: readonly FlowFilter[]): ((message: Buffer) => boolean) | undefined {
  const addresses = new Map<string, Buffer>();
  for (const { original = {}, reply = {} } of filters) {
    const address = reply.source ?? original.source ?? original.destination;
    if (address === undefined) return undefined;
    addresses.set(formatAddress(address), Buffer.from(toBytes(address)));
  }
  const all = [...addresses.values()];
  return (message) => all.some((bytes) => message.includes(bytes));
}

/** Encodes a filter for the kernel. Addresses of IPv6 are left out, see `isExact`. */
function kernelFilter({ family, protocol, original, reply, translated }: FlowFilter) {
  const number = protocol && protocolNumbers[protocol];
  const [there, back] = [sideOf(family, number, original), sideOf(family, number, reply)];
  return present({
    original: there.tuple,
    reply: back.tuple,
    status: translated && IPS_DST_NAT,
    filter: { original: there.flags, reply: back.flags },
  });
}

/** One direction of a filter: a tuple, and the flags of the fields that count. */
function sideOf(
  family: Family,
  protocol: number | undefined,
  { source, destination, sourcePort, destinationPort }: Partial<FlowEnds> = {},
) {
  const addresses = family === 4 ? { source, destination } : {};
  const given = present({ ...addresses, protocol, sourcePort, destinationPort });
  return {
    tuple: {
      ip: present({ source4: addresses.source, destination4: addresses.destination }),
      protocol: present({ number: protocol, sourcePort, destinationPort }),
    },
    flags: (Object.keys(given) as (keyof typeof given)[]).reduce((bits, key) => bits | filterFlags[key], 0),
  };
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
