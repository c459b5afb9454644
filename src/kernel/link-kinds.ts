/**
 * Kinds of links that not every kernel has: macvlan, ipvlan, vlan, dummy.
 *
 * The first three grow on another link, their parent, which the request names by its index; so it is sent in the parent's
 * namespace. The new link may be born in another one.
 *
 * @see IFLA_MACVLAN_*, IFLA_IPVLAN_*, IFLA_VLAN_* in linux/if_link.h; ip-link(8)
 */
import { attributes } from '../netlink/attributes.ts';
import { cstring, u16, u32 } from '../netlink/codec.ts';
import type { Connection } from '../netlink/connection.ts';
import { flags, type Request, request } from '../netlink/message.ts';
import { GangwayError, KernelError } from '../values/errors.ts';
import type { Mac } from '../values/mac.ts';
import type { IpvlanRequest, MacvlanRequest } from '../values/network.ts';
import { newLink } from './link.ts';

/** MACVLAN_MODE_*: how the children of one parent see each other. */
const macvlanModes = { private: 1, vepa: 2, bridge: 4, passthru: 8 } as const;
/** IPVLAN_MODE_*. */
const ipvlanModes = { l2: 0, l3: 1, l3s: 2 } as const;
/** IPVLAN_F_*; a bridge is what an ipvlan is without any. */
const ipvlanFlags = { bridge: 0, private: 1, vepa: 2 } as const;

const RTM_NEWLINK_macvlan = newLink(attributes({ kind: [1, cstring], data: [2, attributes({ mode: [1, u32] })] }));
const RTM_NEWLINK_ipvlan = newLink(
  attributes({ kind: [1, cstring], data: [2, attributes({ mode: [1, u16], flags: [2, u16] })] }),
);
const RTM_NEWLINK_vlan = newLink(attributes({ kind: [1, cstring], data: [2, attributes({ id: [1, u16] })] }));
const RTM_NEWLINK_dummy = newLink(attributes({ kind: [1, cstring] }));

/** A link on a parent, born in another namespace. */
interface Child {
  readonly name: string;
  /** The parent's index, in the namespace in which the request is sent. */
  readonly parent: number;
  readonly namespaceFd: number;
  /** Absent: the parent's. */
  readonly mtuBytes?: number;
}

export interface Macvlan extends Child {
  readonly mode: MacvlanRequest['mode'];
  /** Absent: one that the kernel chooses; in the mode passthru always the parent's. */
  readonly mac?: Mac;
}

export interface Ipvlan extends Child {
  readonly mode: IpvlanRequest['mode'];
  readonly flag: IpvlanRequest['flag'];
}

/**
 * `ip link add link PARENT name NAME address MAC mtu MTU netns CONTAINER type macvlan mode MODE`.
 *
 * Before Linux 6.15 the kernel looks for NAME in the namespace of the request too, and refuses a name, or a chosen index,
 * that a link there has (ec061546c6cf, "rtnetlink: Lookup device in target netns when creating link").
 *
 * @throws KernelError EEXIST where the name is taken, EBUSY where the parent is a bridge's port or carries ipvlans, EINVAL
 *   where it carries one in the mode passthru
 */
export function addMacvlan(link: Macvlan): Request {
  const { name, mode, mac } = link;
  const info = { kind: 'macvlan', data: { mode: macvlanModes[mode] } };
  const attributes = { ...born(link), ...(mac === undefined ? {} : { mac }), info };
  return request(`add link ${name} (macvlan)`, RTM_NEWLINK_macvlan, flags.create | flags.exclusive, {}, attributes);
}

/** `ip link add link PARENT name NAME mtu MTU netns CONTAINER type ipvlan mode MODE FLAG`; as for the macvlan. */
export function addIpvlan(link: Ipvlan): Request {
  const { name, mode, flag } = link;
  const info = { kind: 'ipvlan', data: { mode: ipvlanModes[mode], flags: ipvlanFlags[flag] } };
  const attributes = { ...born(link), info };
  return request(`add link ${name} (ipvlan)`, RTM_NEWLINK_ipvlan, flags.create | flags.exclusive, {}, attributes);
}

function born({ name, parent, namespaceFd, mtuBytes }: Child) {
  return { name, link: parent, namespaceFd, ...(mtuBytes === undefined ? {} : { mtu: mtuBytes }) };
}

/** `ip link add link PARENT name NAME type vlan id ID`: what has this tag on the wire, and nothing else. */
export function addVlan(link: { readonly name: string; readonly parent: number; readonly id: number }): Request {
  const { name, parent, id } = link;
  const info = { kind: 'vlan', data: { id } };
  const attributes = { name, link: parent, info };
  return request(`add link ${name} (vlan)`, RTM_NEWLINK_vlan, flags.create | flags.exclusive, {}, attributes);
}

/** `ip link add NAME type dummy`: what is sent into it is gone. */
export function addDummy(name: string): Request {
  const attributes = { name, info: { kind: 'dummy' } };
  return request(`add link ${name} (dummy)`, RTM_NEWLINK_dummy, flags.create | flags.exclusive, {}, attributes);
}

/** Each kind with the kernel's option for it, and its module. */
const origins = {
  macvlan: { option: 'CONFIG_MACVLAN', module: 'macvlan' },
  ipvlan: { option: 'CONFIG_IPVLAN', module: 'ipvlan' },
  vlan: { option: 'CONFIG_VLAN_8021Q', module: '8021q' },
  dummy: { option: 'CONFIG_DUMMY', module: 'dummy' },
} as const;

/**
 * Has the kernel make a link of one of these kinds. It loads the module by itself if there is one.
 *
 * @throws GangwayError not-supported where the kernel does not know the kind; KernelError for any other refusal
 */
export function makeLink(connection: Connection, kind: keyof typeof origins, link: Request): void {
  try {
    connection.execute([link]);
  } catch (cause) {
    if (!isUnknownKind(cause)) throw cause;
    const { option, module } = origins[kind];
    const hint = `it needs ${option}; \`modprobe ${module}\` says why its module can't be loaded`;
    throw new GangwayError('not-supported', `this kernel has no ${kind}`, { hint, cause });
  }
}

/** The same errno has other sentences: `VLANs not supported on device`. Before Linux 4.20 it had none. */
function isUnknownKind(error: unknown): boolean {
  if (!(error instanceof KernelError) || error.errno !== 'EOPNOTSUPP') return false;
  return error.detail === undefined || error.detail === 'Unknown device type';
}
