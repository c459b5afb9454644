/**
 * Networks, and a container's place in them, as a person asks for them: in values that can't be wrong.
 *
 * The command line and the library parse into this once; it is stored in the records as JSON, as it stands. Docker's
 * option names (`com.docker.network.bridge.enable_icc`) end at the parser: below, an option is a field with a type.
 */

import type { Address, Family, Prefix } from './address.ts';
import type { EgressPolicy } from './egress.ts';
import type { FirewallMark } from './firewall-mark.ts';
import type { Mac } from './mac.ts';

/** Names that are nobody's to give: of networks that are always there, and docker's for the one that is meant where none is said. */
export const predefinedNames: readonly string[] = ['bridge', 'host', 'none', 'default'];

/** `gangway network create`'s whole request. */
export interface NetworkRequest {
  readonly name: string;
  readonly driver: DriverRequest;
  /** At least one; IPv4 first. */
  readonly families: readonly Family[];
  /** `--internal`: no way out and no way in, but through the containers themselves. */
  readonly internal: boolean;
  /** `--egress`; absent: its containers may speak to everybody. */
  readonly egress?: EgressPolicy;
  /** `--subnet` and what belongs to it. A family without a pool gets one of the default pools. */
  readonly pools: readonly PoolRequest[];
  readonly labels: Readonly<Record<string, string>>;
  /** `-o KEY=VALUE` as it was written: for inspect alone. */
  readonly options: Readonly<Record<string, string>>;
  /** Docker's word for swarm; kept and shown. */
  readonly attachable: boolean;
}

/** One `--subnet`, with the `--ip-range`, `--gateway` and `--aux-address` that lie in it. */
export interface PoolRequest {
  readonly family: Family;
  /** Absent: any of the default pools, of `length` where that is given (`--subnet 0.0.0.0/24`). */
  readonly subnet?: Prefix;
  readonly length?: number;
  /** Addresses are given out of this part of the subnet only. */
  readonly range?: Prefix;
  readonly gateway?: Address;
  /** Addresses of other machines on the same wire, by the names that somebody gave them: never given out. */
  readonly auxiliary: Readonly<Record<string, Address>>;
}

export type DriverRequest = BridgeRequest | MacvlanRequest | IpvlanRequest;

/** What happens between a network and the rest of the world, in one family. */
export type GatewayMode = 'nat' | 'nat-unprotected' | 'routed' | 'isolated';

export interface BridgeRequest {
  readonly kind: 'bridge';
  /** The link's name; absent: `br-` and 12 digits of the network's id. */
  readonly link?: string;
  /** Absent: that of the uplink. */
  readonly mtuBytes?: number;
  readonly interContainer: boolean;
  readonly masquerade: boolean;
  readonly gatewayModes: Readonly<Record<Family, GatewayMode>>;
  /** The bridge gets no IPv4 address. */
  readonly inhibitIpv4: boolean;
  /** Where published ports are bound whose request names no address. */
  readonly hostBinding?: Address;
  /** The source address that the world sees, instead of that of the link by which a packet leaves. */
  readonly sourceAddresses: readonly Address[];
  /** Links from which published ports may be reached at the container's own address. */
  readonly trustedLinks: readonly string[];
  /** What carries this mark may enter, published or not. */
  readonly acceptedMark?: FirewallMark;
  /** Is each container held to the addresses that it was given? Absent in records of before there was a guard: yes. */
  readonly guarded: boolean;
  /** Who may send more than 64 KiB of a TCP stream in one packet. Absent: `auto`. */
  readonly bigTcp?: BigTcp;
  /** `eth`. */
  readonly linkPrefix: string;
}

/** `auto`: what goes nowhere but into a container, and over IPv4 what internal networks’ containers send; `on`: any network’s. */
export type BigTcp = 'auto' | 'on' | 'off';

export interface MacvlanRequest {
  readonly kind: 'macvlan';
  /** `eth0`, or `eth0.10` for VLAN 10 of it. Absent: a link that leads nowhere. */
  readonly parent?: string;
  readonly mode: 'bridge' | 'private' | 'vepa' | 'passthru';
  readonly mtuBytes?: number;
  readonly linkPrefix: string;
}

export interface IpvlanRequest {
  readonly kind: 'ipvlan';
  readonly parent?: string;
  readonly mode: 'l2' | 'l3' | 'l3s';
  readonly flag: 'bridge' | 'private' | 'vepa';
  readonly mtuBytes?: number;
  readonly linkPrefix: string;
}

/** Where a container's network stack comes from. */
export type NetworkMode =
  | { readonly kind: 'none' }
  | { readonly kind: 'host' }
  /** `container:NAME`: the stack and the files of another one. */
  | { readonly kind: 'container'; readonly container: string }
  /** A stack of its own, plugged into these networks. */
  | { readonly kind: 'networks'; readonly connections: readonly ConnectionRequest[] };

/** `--network name=…,alias=…`, or `gangway network connect`: a plug in one network. */
export interface ConnectionRequest {
  /** A network's name or id. */
  readonly network: string;
  /** Further names, in this network alone. */
  readonly aliases: readonly string[];
  /** `--link CONTAINER:ALIAS`: names for others, that this container alone knows. */
  readonly links: readonly { readonly container: string; readonly alias: string }[];
  /** At most one a family. */
  readonly addresses: readonly Address[];
  readonly linkLocalAddresses: readonly Address[];
  readonly mac?: Mac;
  /** The highest one has the default route. */
  readonly gatewayPriority: number;
  /** The link's name inside; absent: the network's prefix and the lowest free number. */
  readonly link?: string;
  /** `net/ipv4/conf/IFNAME/forwarding`, with IFNAME for the link's name, and the value. */
  readonly sysctls: readonly { readonly key: string; readonly value: string }[];
}

/** A connection in which nothing but the network was said. */
export function connectionTo(network: string): ConnectionRequest {
  return { network, aliases: [], links: [], addresses: [], linkLocalAddresses: [], gatewayPriority: 0, sysctls: [] };
}

/** A network's subnet, as it was given or chosen. */
export interface Subnet {
  readonly subnet: Prefix;
  /** Addresses are given out of this part only. Absent: of all of it. */
  readonly range?: Prefix;
  /** The network's own address in it, and every container's way out. Absent where nobody stands there. */
  readonly gateway?: Address;
  readonly auxiliary: Readonly<Record<string, Address>>;
}

/** Its addresses that are somebody's, whoever comes and goes. */
export function fixedAddresses({ gateway, auxiliary }: Subnet): readonly Address[] {
  return [...(gateway === undefined ? [] : [gateway]), ...Object.values(auxiliary)];
}

/** How docker calls where a stack comes from: the first network for one that has several. */
export function modeName(mode: NetworkMode): string {
  if (mode.kind === 'container') return `container:${mode.container}`;
  return mode.kind === 'networks' ? (mode.connections[0]?.network ?? 'none') : mode.kind;
}
