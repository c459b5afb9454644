/**
 * What the firewall has to know of a network and of a published port.
 *
 * The rules themselves stand in nftables/ruleset.nft and never change. These functions say which elements of its sets
 * and maps a fact is; the caller adds them when it begins to hold and removes the same ones when it ends.
 *
 * Order matters at one place: the elements of a network come before its bridge and go after it. A bridge that the rules
 * don't know is nobody's, and the host forwards to it whatever it likes.
 */
import type { KeyPart, SetParts } from '../kernel/set-key.ts';
import {
  type Address,
  type Family,
  families,
  isLoopback,
  isUnspecified,
  network,
  type Prefix,
} from '../values/address.ts';
import type { EgressPolicy } from '../values/egress.ts';
import type { FirewallMark } from '../values/firewall-mark.ts';
import type { GatewayMode } from '../values/network.ts';
import { isTranslated, type PortBinding } from '../values/port.ts';
import type { Datum, SetElement } from '../values/set-element.ts';
import { egressElements, egressSets } from './egress.ts';

/** What a bridge network lets pass, and under which addresses. */
export interface NetworkPolicy {
  readonly bridge: string;
  /** One for each family that the network has; the other family is closed. */
  readonly subnets: readonly Prefix[];
  /** Is there a guard in front of the bridge, which holds its containers to their addresses? */
  readonly guarded: boolean;
  /** Nothing in and nothing out, in whichever mode. */
  readonly internal: boolean;
  /**
   * May its containers talk to each other? The rules see what they say only where net.bridge.bridge-nf-call-iptables
   * is 1; elsewhere their ports have to be isolated as well.
   */
  readonly interContainer: boolean;
  readonly masquerade: boolean;
  readonly gatewayModes: Readonly<Record<Family, GatewayMode>>;
  /** At most one a family: what the world sees instead of the address of the link by which a packet leaves. */
  readonly sourceAddresses: readonly Address[];
  /** Links from which a direct route to published ports is open. */
  readonly trustedLinks: readonly string[];
  /** What carries this mark may enter, published or not. */
  readonly acceptedMark?: FirewallMark;
  /** Absent: its containers may speak to everybody. */
  readonly egress?: EgressPolicy;
}

/** What a published port has to know of its network. */
export type PortPolicy = Pick<NetworkPolicy, 'bridge' | 'gatewayModes' | 'trustedLinks'>;

/** `nft add element inet gangway bridges { "gangway0" }` and so on. */
export function networkElements(policy: NetworkPolicy): readonly SetElement[] {
  const name = ifname(policy.bridge);
  return [
    { set: 'bridges', key: [name] },
    ...(policy.guarded || policy.internal ? [] : [{ set: 'unguarded', key: [name] }]),
    { set: policy.interContainer ? 'same_bridge' : 'apart', key: [name, name] },
    ...(policy.egress === undefined ? [] : egressElements(policy.bridge, policy.egress)),
    ...(policy.acceptedMark === undefined || policy.internal
      ? []
      : [{ set: 'accepted_marks', key: [name, markOf(policy.acceptedMark)] }]),
    ...policy.subnets.flatMap((subnet) => familyElements(policy, subnet)),
    ...(policy.internal ? absentFamilies(policy).map((family) => shutOut(policy, family)) : []),
  ];
}

/** The bridge may speak them all the same, and a host answers for each of its addresses on every link. */
function absentFamilies({ subnets }: NetworkPolicy): readonly Family[] {
  return families.filter((family) => !subnets.some(({ address }) => address.family === family));
}

/** Nothing of the machine itself can be seen from there. */
function shutOut({ bridge }: NetworkPolicy, family: Family): SetElement {
  return { set: 'isolated', key: [nfProto(family), ifname(bridge)] };
}

/** What is not said here is closed. */
function familyElements(policy: NetworkPolicy, subnet: Prefix): readonly SetElement[] {
  const { family } = subnet.address;
  const name = ifname(policy.bridge);
  const here = [nfProto(family), name];
  const mode = policy.gatewayModes[family];
  if (mode === 'isolated') return [shutOut(policy, family)];
  const inside = {
    set: `inside${family}`,
    key: [nfProto(family), { type: 'prefix', prefix: network(subnet) }],
  } as const;
  if (policy.internal) return [{ set: 'internal', key: here }, inside];
  const { leave, enter } = chains[mode];
  return [
    { set: 'leaving', key: here, value: [goto(policy.egress === undefined ? leave : 'leave_limited')] },
    { set: 'entering', key: here, value: [goto(enter)] },
    { set: `subnets${family}`, key: [name, { type: 'prefix', prefix: network(subnet) }] },
    inside,
    ...(policy.masquerade && mode !== 'routed' ? [sourceElement(policy, family)] : []),
  ];
}

function sourceElement({ bridge, sourceAddresses }: NetworkPolicy, family: Family): SetElement {
  const source = sourceAddresses.find((candidate) => candidate.family === family);
  return source === undefined
    ? { set: 'masqueraded', key: [nfProto(family), ifname(bridge)] }
    : { set: `sources${family}`, key: [ifname(bridge)], value: [address(source)] };
}

const chains = {
  nat: { leave: 'leave_nat', enter: 'enter_nat' },
  'nat-unprotected': { leave: 'leave_nat', enter: 'enter_unprotected' },
  routed: { leave: 'leave_routed', enter: 'enter_routed' },
} as const;

/**
 * `nft add element inet gangway ports4 { tcp . 8080 : 172.17.0.2 . 80 }`: what opens one port of a container.
 *
 * None translates from one family to the other, which the kernel can't, or from loopback, or where each client is
 * introduced by a header: those ports are a process of the host's business, and so is what comes from an IPv6 address of
 * one link. What is said of the process is who may not reach it: an internal or a limited network; of one on 127.0.0.1, the
 * wire. It is said where these rules translate, too: connection tracking may have met a client before they did.
 * `::1` the kernel never accepts from there. In a routed network there is no port of the host: the container's own is
 * open, but not if it was asked for on loopback, nor if it believes what a header says.
 *
 * Two ports of the host that lead to one of the container may have an element in common.
 *
 * @param container the container's address on the network that the port belongs to
 */
export function portElements(binding: PortBinding, container: Address, policy: PortPolicy): readonly SetElement[] {
  const { family } = container;
  const mode = policy.gatewayModes[family];
  if (mode === 'isolated') return [];
  const direct = isTranslated(binding, container);
  const bridge = ifname(policy.bridge);
  const there = [address(container), protocolOf(binding), ports(binding.containerPort)];
  if (mode === 'routed') return direct ? [{ set: `open_ports${family}`, key: [bridge, ...there] }] : [];
  const trusted = direct && mode === 'nat' ? policy.trustedLinks : [];
  return [
    ...hostPortElements(binding, container),
    ...trusted.map((link) => ({ set: `trusted_ports${family}`, key: [ifname(link), bridge, ...there] })),
  ];
}

function hostPortElements(binding: PortBinding, container: Address): readonly SetElement[] {
  const { family } = binding.hostAddress;
  const spanned = [protocolOf(binding), ports(binding.hostPort)];
  if (isLoopback(binding.hostAddress)) {
    return family === 4 ? [{ set: 'loopback_ports4', key: [address(binding.hostAddress), ...spanned] }] : [];
  }
  const everywhere = isUnspecified(binding.hostAddress);
  const translated = isTranslated(binding, container);
  const held = [
    everywhere
      ? { set: 'carried_ports', key: [nfProto(family), ...spanned] }
      : { set: `carried_host_ports${family}`, key: [address(binding.hostAddress), ...spanned] },
    ...ownElements(binding, container),
  ];
  if (!translated) return held;
  const hostPort = [protocolOf(binding), service(binding.hostPort)];
  const value = [address(container), service(binding.containerPort)];
  return everywhere
    ? [{ set: `ports${family}`, key: hostPort, value }, ...held]
    : [{ set: `host_ports${family}`, key: [address(binding.hostAddress), ...hostPort], value }, ...held];
}

/** A container that asks from the port at which it is asked goes out from that one. */
function ownElements(binding: PortBinding, container: Address): readonly SetElement[] {
  const { hostAddress, hostPort, containerPort } = binding;
  const { family } = container;
  if (hostAddress.family !== family || hostPort !== containerPort) return [];
  const own = [address(container), protocolOf(binding), ports(containerPort)];
  return [
    { set: `own_ports${family}`, key: own },
    ...(isUnspecified(hostAddress) ? [] : [{ set: `own_host_ports${family}`, key: [address(hostAddress), ...own] }]),
  ];
}

const hostPortParts = [{ type: 'inet_proto' }, { type: 'inet_service' }] as const;
const hostRangeParts = [{ type: 'inet_proto' }, { type: 'ports' }] as const;
const bridgePart = { type: 'ifname' } as const;

const familyParts = [{ type: 'nf_proto' }, bridgePart] as const;

/** The sets that hold what is known of networks. */
export const networkSets: Readonly<Record<string, SetParts>> = {
  bridges: { key: [bridgePart] },
  unguarded: { key: [bridgePart] },
  same_bridge: { key: [bridgePart, bridgePart] },
  apart: { key: [bridgePart, bridgePart] },
  leaving: { key: familyParts },
  entering: { key: familyParts },
  internal: { key: familyParts },
  isolated: { key: familyParts },
  masqueraded: { key: familyParts },
  sources4: { key: [bridgePart], value: [{ type: 'address', family: 4 }] },
  sources6: { key: [bridgePart], value: [{ type: 'address', family: 6 }] },
  subnets4: { key: [bridgePart, { type: 'prefix', family: 4 }] },
  subnets6: { key: [bridgePart, { type: 'prefix', family: 6 }] },
  accepted_marks: { key: [bridgePart, { type: 'mark' }] },
  ...egressSets,
  inside4: { key: [{ type: 'nf_proto' }, { type: 'prefix', family: 4 }] },
  inside6: { key: [{ type: 'nf_proto' }, { type: 'prefix', family: 6 }] },
};

/** The sets that hold published ports. */
export const portSets: Readonly<Record<string, SetParts>> = {
  ...Object.fromEntries(
    families.flatMap((family): readonly (readonly [string, SetParts])[] => {
      const addressed: KeyPart = { type: 'address', family };
      const place: readonly KeyPart[] = [addressed, { type: 'inet_service' }];
      return [
        [`ports${family}`, { key: hostPortParts, value: place }],
        [`ranges${family}`, { key: hostRangeParts, value: [addressed] }],
        [`host_ports${family}`, { key: [addressed, ...hostPortParts], value: place }],
        [`host_ranges${family}`, { key: [addressed, ...hostRangeParts], value: [addressed] }],
        [`open_ports${family}`, { key: [bridgePart, addressed, ...hostRangeParts] }],
        [`trusted_ports${family}`, { key: [bridgePart, bridgePart, addressed, ...hostRangeParts] }],
        [`carried_host_ports${family}`, { key: [addressed, ...hostRangeParts] }],
        [`own_ports${family}`, { key: [addressed, ...hostRangeParts] }],
        [`own_host_ports${family}`, { key: [addressed, addressed, ...hostRangeParts] }],
      ];
    }),
  ),
  loopback_ports4: { key: [{ type: 'address', family: 4 }, ...hostRangeParts] },
  carried_ports: { key: [{ type: 'nf_proto' }, ...hostRangeParts] },
};

/** All sets, those of the machine itself among them. */
export const allSets: Readonly<Record<string, SetParts>> = {
  ...networkSets,
  ...portSets,
  closed_transit: { key: [{ type: 'nf_proto' }] },
};

/** gangway has turned on forwarding for `family`: the host must not become a router between other people's networks. */
export function closedTransitElements(family: Family): readonly SetElement[] {
  return [{ set: 'closed_transit', key: [nfProto(family)] }];
}

function protocolOf({ protocol }: PortBinding): Datum {
  return { type: 'inet_proto', protocol };
}

/** In a set of intervals one port is an interval, too. */
function ports(port: number): Datum {
  return { type: 'ports', first: port, last: port };
}

function service(port: number): Datum {
  return { type: 'inet_service', port };
}

function nfProto(family: Family): Datum {
  return { type: 'nf_proto', family };
}

function ifname(name: string): Datum {
  return { type: 'ifname', name };
}

function address(value: Address): Datum {
  return { type: 'address', address: value };
}

function markOf(mark: FirewallMark): Datum {
  return { type: 'mark', mark };
}

function goto(chain: string): Datum {
  return { type: 'goto', chain };
}
