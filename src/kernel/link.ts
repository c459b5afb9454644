/**
 * Links: the kernel's network interfaces.
 *
 * A request is made here and sent elsewhere, so that several travel together. Of the kinds of links there are two, the
 * bridge and the veth; their attributes stand above those that all links share.
 *
 * @see struct ifinfomsg and IFLA_* in linux/if_link.h, rtnetlink(7), ip-link(8)
 */
import { attributes, headed, struct } from '../netlink/attributes.ts';
import { type Codec, cstring, mac, u8, u16, u32 } from '../netlink/codec.ts';
import type { Connection } from '../netlink/connection.ts';
import {
  flags,
  type MessageKind,
  type RawMessage,
  type Reply,
  type Request,
  readBody,
  request,
} from '../netlink/message.ts';
import { hasErrno, ignoring } from '../values/errors.ts';
import type { Mac } from '../values/mac.ts';

const IFF_UP = 0x1;

const ifinfomsg = struct({
  family: [2, u16],
  type: [2, u16],
  index: [4, u32],
  flags: [4, u32],
  change: [4, u32],
});

/** IFLA_BR_* of linux/if_link.h: the options of a bridge. */
const bridgeAttributes = attributes({
  forwardDelay: [1, u32],
  ageingTime: [4, u32],
  stpState: [5, u32],
  multicastSnooping: [23, u8],
});

/** IFLA_BRPORT_*: the options of a bridge's port, set on the link that is plugged in. */
const bridgePortAttributes = attributes({
  state: [1, u8],
  hairpin: [4, u8],
  isolated: [33, u8],
});

/** The attributes that describe a link to be born; also those of a veth's peer. */
const birth = {
  mac: [1, mac],
  name: [3, cstring],
  mtu: [4, u32],
  master: [10, u32],
  transmitQueueLength: [13, u32],
  namespaceFd: [28, u32],
  transmitQueues: [31, u32],
  receiveQueues: [32, u32],
} as const;

/** VETH_INFO_PEER: the other end, described by a link's own header and attributes. */
const vethAttributes = attributes({ peer: [1, headed(ifinfomsg, attributes(birth))] });

/** IFLA_LINKINFO: which kind of link this is, and its data, whose table depends on the kind. */
const linkInfo = attributes({
  kind: [1, cstring],
  bridge: [2, bridgeAttributes],
  portKind: [4, cstring],
  port: [5, bridgePortAttributes],
});
const vethInfo = attributes({ kind: [1, cstring], veth: [2, vethAttributes] });

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
});
const newVethAttributes = attributes({ ...birth, info: [18, vethInfo] });

/** Of a link that is a bridge's port, seen by the bridge: IFLA_PROTINFO in a message of the family PF_BRIDGE. */
const AF_BRIDGE = 7;
const portAttributes = attributes({ port: [12, bridgePortAttributes] });
/** BR_STATE_DISABLED, linux/if_bridge.h. */
const BR_STATE_DISABLED = 0;

const RTM_SETLINK_port = { name: 'RTM_SETLINK', type: 19, header: ifinfomsg, attributes: portAttributes };
const RTM_NEWLINK = { name: 'RTM_NEWLINK', type: 16, header: ifinfomsg, attributes: linkAttributes };
const RTM_NEWLINK_veth = { name: 'RTM_NEWLINK', type: 16, header: ifinfomsg, attributes: newVethAttributes };
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
}

/** `ip link add NAME address MAC mtu MTU type bridge`: a switch without plugs, down. */
export function addBridge(bridge: { readonly name: string; readonly mac: Mac; readonly mtuBytes: number }): Request {
  return request(
    `add link ${bridge.name} (bridge)`,
    RTM_NEWLINK,
    flags.create | flags.exclusive,
    {},
    {
      name: bridge.name,
      mac: bridge.mac,
      mtu: bridge.mtuBytes,
      info: { kind: 'bridge', bridge: { multicastSnooping: 0 } },
    },
  );
}

/** Both ends of a veth cable, of which the second is born in another namespace. */
export interface VethPair {
  readonly name: string;
  readonly mtuBytes: number;
  /** Index of the bridge that the first end is plugged into. */
  readonly master: number;
  /** Its index in its namespace is chosen here, so that nobody has to ask for it. */
  readonly peer: { readonly name: string; readonly index: number; readonly mac: Mac; readonly namespaceFd: number };
}

/**
 * A whole cable in one message: made, plugged into its bridge, and up on our side.
 *
 *     ip link add NAME mtu MTU master BRIDGE up type veth peer name eth0 index 2 address MAC netns CONTAINER
 *
 * The peer is born in the container under its final name. Made here and moved, it would cost 30 ms (the kernel waits
 * for every processor to forget it) and could be seen by others on its way. It cannot be born up (ENOTCONN: its other
 * end is not registered yet). One queue each: veth_init_queues waits for a grace period when there are more.
 *
 * @throws KernelError EEXIST where either name is taken, ENODEV where the bridge is gone
 * @see veth(4), VETH_INFO_PEER in linux/veth.h
 */
export function addVeth(pair: VethPair): Request {
  const oneQueue = { transmitQueues: 1, receiveQueues: 1 };
  const peer = {
    header: { index: pair.peer.index },
    attributes: {
      name: pair.peer.name,
      mac: pair.peer.mac,
      mtu: pair.mtuBytes,
      namespaceFd: pair.peer.namespaceFd,
      ...oneQueue,
    },
  };
  return request(
    `add link ${pair.name} (veth)`,
    RTM_NEWLINK_veth,
    flags.create | flags.exclusive,
    { flags: IFF_UP, change: IFF_UP },
    {
      name: pair.name,
      mtu: pair.mtuBytes,
      master: pair.master,
      ...oneQueue,
      info: { kind: 'veth', veth: { peer } },
    },
  );
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

/** `ip link set NAME type bridge_slave hairpin on`: frames may leave by the port they came in by. */
export function setHairpin(name: string): Request {
  return request(
    `set hairpin mode of bridge port ${name}`,
    RTM_NEWLINK,
    0,
    {},
    {
      name,
      info: { portKind: 'bridge', port: { hairpin: 1 } },
    },
  );
}

/**
 * `bridge link set dev NAME state 0`: the bridge no longer takes frames from this port, nor sends any to it.
 *
 * Through the port's own family and not as an attribute of its link (`type bridge_slave state 0`): there, the link's
 * change notification would put the port back to forwarding at once.
 */
export function disableBridgePort(name: string, index: number): Request {
  const header = { family: AF_BRIDGE, index };
  return request(`disable bridge port ${name}`, RTM_SETLINK_port, 0, header, { port: { state: BR_STATE_DISABLED } });
}

/** `ip link delete NAME`. Takes 15 to 50 ms: the kernel waits until no processor can still be using the link. */
export function deleteLink(name: string): Request {
  return request(`delete link ${name}`, RTM_DELLINK, 0, {}, { name });
}

/** @returns undefined where there is no such link */
export function findLink(connection: Connection, name: string): Link | undefined {
  const question = request(`get link ${name}`, RTM_GETLINK, 0, {}, { name });
  try {
    return link(connection.ask(question, RTM_NEWLINK));
  } catch (error) {
    if (hasErrno(error, 'ENODEV')) return undefined;
    throw error;
  }
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
  };
}
