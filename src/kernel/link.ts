/**
 * Links: the kernel's network interfaces.
 *
 * A request is made here and sent elsewhere, so that several travel together. Here is what all links share; how
 * links are born stands with their kinds (bridge, link-kinds).
 *
 * @see struct ifinfomsg and IFLA_* in linux/if_link.h, rtnetlink(7), ip-link(8)
 */
import { attributes, struct } from '../netlink/attributes.ts';
import { type Codec, cstring, mac, u8, u16, u32 } from '../netlink/codec.ts';
import type { Connection } from '../netlink/connection.ts';
import { type MessageKind, type RawMessage, type Reply, type Request, readBody, request } from '../netlink/message.ts';
import type { Family } from '../values/address.ts';
import { ignoring } from '../values/errors.ts';
import type { Segments } from '../values/gso-sizes.ts';
import type { Mac } from '../values/mac.ts';

export const IFF_UP = 0x1;

export const ifinfomsg = struct({
  family: [2, u16],
  type: [2, u16],
  index: [4, u32],
  flags: [4, u32],
  change: [4, u32],
});

/** IFLA_BRPORT_*: the options of a bridge's port, set on the link that is plugged in. */
export const bridgePortAttributes = attributes({
  state: [1, u8],
  hairpin: [4, u8],
  groupForwardMask: [31, u16],
  isolated: [33, u8],
});

/** The attributes that describe a link to be born; also those of a veth's peer. */
export const birth = {
  mac: [1, mac],
  name: [3, cstring],
  mtu: [4, u32],
  link: [5, u32],
  master: [10, u32],
  transmitQueueLength: [13, u32],
  namespaceFd: [28, u32],
  transmitQueues: [31, u32],
  receiveQueues: [32, u32],
  gsoMaxBytes: [41, u32],
  groMaxBytes: [58, u32],
  gsoIpv4MaxBytes: [63, u32],
  groIpv4MaxBytes: [64, u32],
} as const;

/** IFLA_LINKINFO: which kind of link this is. Of its data, only the bridge's about a port of it is read. */
const linkInfo = attributes({
  kind: [1, cstring],
  portKind: [4, cstring],
  port: [5, bridgePortAttributes],
});

/** struct rtnl_link_stats64, as far as gangway reads it. */
const statistics64: Codec<LinkStatistics> = {
  write: () => {},
  read: (bytes) => ({
    receivedPackets: bytes.readBigUInt64LE(0),
    transmittedPackets: bytes.readBigUInt64LE(8),
    receivedBytes: bytes.readBigUInt64LE(16),
    transmittedBytes: bytes.readBigUInt64LE(24),
  }),
};

export interface LinkStatistics {
  readonly receivedPackets: bigint;
  readonly transmittedPackets: bigint;
  readonly receivedBytes: bigint;
  readonly transmittedBytes: bigint;
}

const linkAttributes = attributes({
  ...birth,
  info: [18, linkInfo],
  statistics: [23, statistics64],
  tsoMaxBytes: [59, u32],
});

/** The attributes of a link that takes and makes packets of these sizes. */
export function segmentAttributes({ 4: ipv4, 6: ipv6 }: Segments = {}) {
  return {
    ...(ipv6 === undefined ? {} : { gsoMaxBytes: ipv6, groMaxBytes: ipv6 }),
    ...(ipv4 === undefined ? {} : { gsoIpv4MaxBytes: ipv4, groIpv4MaxBytes: ipv4 }),
  };
}

/** RTM_NEWLINK for links of one kind, by the table of that kind's IFLA_LINKINFO. */
export function newLink<A>(info: Codec<A>) {
  return { name: 'RTM_NEWLINK', type: 16, header: ifinfomsg, attributes: attributes({ ...birth, info: [18, info] }) };
}

/** PF_BRIDGE: a link that is a bridge's port, seen by the bridge. */
export const AF_BRIDGE = 7;
/** BR_STATE_DISABLED, linux/if_bridge.h. */
export const BR_STATE_DISABLED = 0;

const RTM_NEWLINK = { name: 'RTM_NEWLINK', type: 16, header: ifinfomsg, attributes: linkAttributes };
/** IFLA_EXT_MASK says what the answer may leave out. */
const RTEXT_FILTER_SKIP_STATS = 8;
const briefAttributes = attributes({ name: [3, cstring], extra: [29, u32] });
const RTM_GETLINK_brief = { name: 'RTM_GETLINK', type: 18, header: ifinfomsg, attributes: briefAttributes };
const RTM_NEWLINK_header = { name: 'RTM_NEWLINK', type: 16, header: ifinfomsg, attributes: attributes({}) };
const RTM_DELLINK = { name: 'RTM_DELLINK', type: 17, header: ifinfomsg, attributes: linkAttributes };
const RTM_GETLINK = { name: 'RTM_GETLINK', type: 18, header: ifinfomsg, attributes: linkAttributes };

/** A link as the kernel reports it. */
export interface Link {
  readonly index: number;
  readonly name: string;
  readonly kind: string | undefined;
  readonly mac: Mac | undefined;
  readonly mtu: number;
  readonly up: boolean;
  readonly master: number | undefined;
  /** Of a bridge's port: does the bridge take frames from it? Not while its cable is loose, or when we disabled it. */
  readonly portEnabled: boolean;
  readonly statistics: LinkStatistics | undefined;
  /** Families whose packets may be larger than 65,536 bytes inside this machine, as far as the kernel is concerned. */
  readonly largeSegments: readonly Family[];
}

/** `ip link set NAME up`, or down. */
export function setLinkUp(name: string, up: boolean): Request {
  return request(
    `set link ${name} ${up ? 'up' : 'down'}`,
    RTM_NEWLINK,
    0,
    { flags: up ? IFF_UP : 0, change: IFF_UP },
    { name },
  );
}

/** `ip link set NAME gso_max_size BYTES gro_max_size BYTES gso_ipv4_max_size BYTES gro_ipv4_max_size BYTES`. */
export function setSegments(name: string, segments: Segments): Request {
  return request(`set sizes of link ${name}`, RTM_NEWLINK, 0, {}, { name, ...segmentAttributes(segments) });
}

/** `ip link set NAME name NEW`: a link that is down. */
export function renameLink(index: number, name: string): Request {
  return request(`name link ${index} ${name}`, RTM_NEWLINK, 0, { index }, { name });
}

/** `ip link delete NAME`. Takes 15 to 50 ms: the kernel waits until no processor can still be using the link. */
export function deleteLink(name: string): Request {
  return request(`delete link ${name}`, RTM_DELLINK, 0, {}, { name });
}

/** @returns undefined where there is no such link */
export function findLink(connection: Connection, name: string): Link | undefined {
  const question = request(`get link ${name}`, RTM_GETLINK, 0, {}, { name });
  return ignoring('ENODEV', () => link(connection.ask(question, RTM_NEWLINK)));
}

/**
 * The index alone: the kernel leaves out its counters, and nothing of the answer but its header is read.
 *
 * @returns undefined where there is no such link
 */
export function findLinkIndex(connection: Connection, name: string): number | undefined {
  const question = request(
    `get index of link ${name}`,
    RTM_GETLINK_brief,
    0,
    {},
    { name, extra: RTEXT_FILTER_SKIP_STATS },
  );
  return ignoring('ENODEV', () => connection.ask(question, RTM_NEWLINK_header).header.index);
}

/** `ip link show`. */
export function listLinks(connection: Connection): readonly Link[] {
  return connection.dump(request('list links', RTM_GETLINK, 0, {}, {}), RTM_NEWLINK).map(link);
}

/** A link that appeared, changed or went. */
export interface LinkEvent {
  readonly kind: 'link';
  readonly change: 'set' | 'gone';
  readonly link: Link;
}

/** @returns undefined for messages about other things than links, or about a link as the port of its bridge */
export function readLinkEvent(message: RawMessage): LinkEvent | undefined {
  if (message.type !== RTM_NEWLINK.type && message.type !== RTM_DELLINK.type) return undefined;
  const body = readBody(RTM_NEWLINK, message.payload);
  if (body.header.family === AF_BRIDGE) return undefined;
  return { kind: 'link', change: message.type === RTM_DELLINK.type ? 'gone' : 'set', link: link(body) };
}

type LinkReply = typeof RTM_NEWLINK extends MessageKind<infer H, infer A> ? Reply<H, A> : never;

function link({ header, attributes: found }: LinkReply): Link {
  return {
    index: header.index ?? 0,
    name: found.name ?? '',
    kind: found.info?.kind,
    mac: found.mac,
    mtu: found.mtu ?? 0,
    up: ((header.flags ?? 0) & IFF_UP) !== 0,
    master: found.master,
    portEnabled: (found.info?.port?.state ?? BR_STATE_DISABLED) !== BR_STATE_DISABLED,
    statistics: found.statistics,
    // Each came with the kernel that knows how: 6.3, 5.19.
    largeSegments: [
      ...(found.gsoIpv4MaxBytes === undefined ? [] : [4 as const]),
      ...(found.tsoMaxBytes === undefined ? [] : [6 as const]),
    ],
  };
}
