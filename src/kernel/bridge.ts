/**
 * Bridges, their ports, and the veth cables that are plugged into them.
 *
 * @see IFLA_BR_*, IFLA_BRPORT_* in linux/if_link.h; VETH_INFO_* in linux/veth.h
 */
import { attributes, headed } from '../netlink/attributes.ts';
import { cstring, u8, u32 } from '../netlink/codec.ts';
import { flags, type Request, request } from '../netlink/message.ts';
import type { Segments } from '../values/gso-sizes.ts';
import type { Mac } from '../values/mac.ts';
import {
  AF_BRIDGE,
  BR_STATE_DISABLED,
  birth,
  bridgePortAttributes,
  IFF_UP,
  ifinfomsg,
  newLink,
  segmentAttributes,
} from './link.ts';

/** IFLA_BR_*: the options of a bridge. */
const bridgeAttributes = attributes({
  forwardDelay: [1, u32],
  ageingTime: [4, u32],
  stpState: [5, u32],
  multicastSnooping: [23, u8],
  callIptables: [36, u8],
  callIp6tables: [37, u8],
});

/** VETH_INFO_PEER: the other end, described by a link's own header and attributes. */
const vethAttributes = attributes({ peer: [1, headed(ifinfomsg, attributes(birth))] });

const RTM_NEWLINK_bridge = newLink(attributes({ kind: [1, cstring], data: [2, bridgeAttributes] }));
const RTM_NEWLINK_veth = newLink(attributes({ kind: [1, cstring], data: [2, vethAttributes] }));
/** IFLA_INFO_SLAVE_KIND, IFLA_INFO_SLAVE_DATA: of a link, as the port of another one. */
const RTM_NEWLINK_port = newLink(attributes({ portKind: [4, cstring], port: [5, bridgePortAttributes] }));
/** IFLA_PROTINFO, in a message of the family PF_BRIDGE. */
const portAttributes = attributes({ port: [12, bridgePortAttributes] });
const RTM_SETLINK_port = { name: 'RTM_SETLINK', type: 19, header: ifinfomsg, attributes: portAttributes };

/** A switch without plugs, down. */
export interface Bridge {
  readonly name: string;
  readonly mac: Mac;
  readonly mtuBytes: number;
  /** Do the firewall's rules see what its ports say to each other, even where net.bridge.bridge-nf-call-iptables is 0? */
  readonly filtered?: boolean;
}

/** `ip link add NAME address MAC mtu MTU type bridge`. */
export function addBridge(bridge: Bridge): Request {
  const filtered = bridge.filtered === true ? { callIptables: 1, callIp6tables: 1 } : {};
  return request(
    `add link ${bridge.name} (bridge)`,
    RTM_NEWLINK_bridge,
    flags.create | flags.exclusive,
    {},
    {
      name: bridge.name,
      mac: bridge.mac,
      mtu: bridge.mtuBytes,
      info: { kind: 'bridge', data: { multicastSnooping: 0, ...filtered } },
    },
  );
}

/** Both ends of a veth cable, of which the second is born in another namespace. */
export interface VethPair {
  readonly name: string;
  readonly mtuBytes: number;
  /** Index of the bridge that the first end is plugged into. */
  readonly master: number;
  readonly segments?: Segments;
  readonly peer: {
    readonly name: string;
    readonly mac: Mac;
    readonly namespaceFd: number;
    readonly segments?: Segments;
  };
}

/**
 * A whole cable in one message: made, plugged into its bridge, and up on our side.
 *
 *     ip link add NAME mtu MTU master BRIDGE up type veth peer name eth0 address MAC netns CONTAINER
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
    header: {},
    attributes: {
      name: pair.peer.name,
      mac: pair.peer.mac,
      mtu: pair.mtuBytes,
      namespaceFd: pair.peer.namespaceFd,
      ...oneQueue,
      ...segmentAttributes(pair.peer.segments),
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
      ...segmentAttributes(pair.segments),
      info: { kind: 'veth', data: { peer } },
    },
  );
}

/** `ip link set NAME type bridge_slave hairpin on`: frames may leave by the port they came in by. */
export function setHairpin(name: string): Request {
  return setPort(name, { hairpin: 1 });
}

/** All groups but that of Ethernet's own PAUSE, which no bridge may pass on, and none takes from a port. */
const everyGroup = 0xfffd;

/**
 * `ip link set NAME type bridge_slave group_fwd_mask 0xfffd`: a frame to 01:80:c2:00:00:00 and the fifteen addresses behind
 * it is one like any other, and not the bridge's own. Since Linux 4.15
 */
export function setGroupsForwarded(name: string): Request {
  return setPort(name, { groupForwardMask: everyGroup });
}

/** `ip link set NAME type bridge_slave isolated on`: nothing passes to or from another isolated port. Since Linux 4.18 */
export function setIsolated(name: string): Request {
  return setPort(name, { isolated: 1 });
}

function setPort(name: string, options: Readonly<Record<string, number>>): Request {
  return request(
    `set option ${Object.keys(options).join()} of bridge port ${name}`,
    RTM_NEWLINK_port,
    0,
    {},
    {
      name,
      info: { portKind: 'bridge', port: options },
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
