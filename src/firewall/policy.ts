/**
 * Converts networks and published ports to set elements of the constant ruleset (nftables/ruleset.nft).
 *
 * Elements are added while a fact holds, and the same elements are removed afterwards. The elements of a network are
 * added before its bridge exists and removed after the bridge: packets of an unknown bridge are forwarded without
 * restriction.
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

/** The policy of a bridge network. */
export interface NetworkPolicy {
  readonly bridge: string;
  /** One per family of the network; the other family is closed. */
  readonly subnets: readonly Prefix[];
  /** Does anti-spoofing hold its containers to their addresses? */
  readonly guarded: boolean;
  /** Blocks all traffic from and to other networks, in every mode. */
  readonly internal: boolean;
  /**
   * May its containers talk to each other? The rules see that traffic only with net.bridge.bridge-nf-call-iptables=1;
   * otherwise the bridge ports must be isolated too.
   */
  readonly interContainer: boolean;
  readonly masquerade: boolean;
  readonly gatewayModes: Readonly<Record<Family, GatewayMode>>;
  /** At most one per family: the source address of outgoing packets, instead of the uplink's. */
  readonly sourceAddresses: readonly Address[];
  /** Links that may reach published ports by a direct route. */
  readonly trustedLinks: readonly string[];
  /** Packets with this mark may enter, published or not. */
  readonly acceptedMark?: FirewallMark;
  /** Absent: outgoing traffic is not limited. */
  readonly egress?: EgressPolicy;
}

/** The part of a network's policy that published ports depend on. */
export type PortPolicy = Pick<NetworkPolicy, 'bridge' | 'gatewayModes' | 'trustedLinks'>;

/** The elements of a network: `nft add element inet gangway bridges { "gangway0" }` and so on. */
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
    ...(policy.internal ? absentFamilies(policy).map((family) => isolatedElement(policy, family)) : []),
  ];
}

/** Families without a subnet. The bridge may still carry them, and a host answers for its addresses on every link. */
function absentFamilies({ subnets }: NetworkPolicy): readonly Family[] {
  return families.filter((family) => !subnets.some(({ address }) => address.family === family));
}

function isolatedElement({ bridge }: NetworkPolicy, family: Family): SetElement {
  return { set: 'isolated', key: [nfProto(family), ifname(bridge)] };
}

function familyElements(policy: NetworkPolicy, subnet: Prefix): readonly SetElement[] {
  const { family } = subnet.address;
  const name = ifname(policy.bridge);
  const here = [nfProto(family), name];
  const mode = policy.gatewayModes[family];
  if (mode === 'isolated') return [isolatedElement(policy, family)];
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
 * The elements of one published port: `nft add element inet gangway ports4 { tcp . 8080 : 172.17.0.2 . 80 }`.
 *
 * The kernel can't translate between families or from loopback, nor insert a PROXY header. The switchboard serves those
 * ports, and clients with an IPv6 link-local address. The elements `carried_…` close the switchboard's socket to
 * internal and limited networks, and `loopback_ports4` closes a port on 127.0.0.1 to other links (the kernel itself
 * protects `::1`). They exist for translated ports too, since connection tracking may know a client from before the
 * translation.
 *
 * A routed network has no host ports: the container's own port opens, unless it is published on loopback or expects a
 * header.
 *
 * Two host ports of one container port may share elements.
 *
 * @param container the container's address on the port's network
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

/** A container that sends from a port published under its own number keeps that source port. */
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

/** All sets, including those of the host itself. */
export const allSets: Readonly<Record<string, SetParts>> = {
  ...networkSets,
  ...portSets,
  closed_transit: { key: [{ type: 'nf_proto' }] },
};

/** Blocks transit between external networks, where only gangway enabled forwarding. */
export function closedTransitElements(family: Family): readonly SetElement[] {
  return [{ set: 'closed_transit', key: [nfProto(family)] }];
}

function protocolOf({ protocol }: PortBinding): Datum {
  return { type: 'inet_proto', protocol };
}

/** A single port as an interval. */
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
