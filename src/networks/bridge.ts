/**
 * Chapter 2: bridge.
 *
 * Containers reach each other and the host as computers in an office do: each has a cable, and the cables end in one
 * switch. The kernel has both: a veth is a cable with two ends, a bridge is a switch.
 *
 *      container a            the host                              container b
 *     +---------------+      +------------------------------+      +---------------+
 *     | eth0          |      |      gangway0 172.17.0.1     |      | eth0          |
 *     | 172.17.0.2    |======| vethA       |        vethB   |======| 172.17.0.3    |
 *     |               | veth |   +---------+----------+     | veth |               |
 *     | default via   |      |        the bridge            |      | default via   |
 *     |   172.17.0.1  |      |                              |      |   172.17.0.1  |
 *     +---------------+      +------------------------------+      +---------------+
 *
 * From a to b: a's route table has 172.17.0.0/16 on eth0, and ARP asks for the MAC of 172.17.0.3. The bridge has
 * learned the port of that MAC and forwards the frame to b's eth0. The host's routing is not involved. From a to any
 * other address: the default route names 172.17.0.1, the bridge's own address. So the host receives the packet and
 * routes it (chapter 3).
 *
 * What the kernel does by itself: an address of length 16 adds its subnet route; the bridge learns MACs and forgets
 * them after five minutes; deleting one end of a veth, or its namespace, deletes both ends.
 *
 * Where gangway differs from Docker:
 * * One request creates the veth, with its peer in the container under the final name.
 * * The bridge has a fixed MAC, so ARP entries stay valid when ports change.
 * * A network without IPv6 disables IPv6 on all three interfaces, not only in the container. Their announcements are
 *   flooded to all ports, and took half of the start time with a thousand containers.
 * * A container's MAC is derived from its address (as in Docker before 28). A reused address keeps its MAC, so no ARP
 *   entry becomes wrong, and no broadcast has to announce a new MAC.
 */

import type { Backend } from '../firewall/backend.ts';
import { type NetworkPolicy, networkElements } from '../firewall/policy.ts';
import { reasonOf } from '../firewall/rule-explanations.ts';
import type { NamespaceRef } from '../plan/link-step.ts';
import type { DefaultRoute, FirewallStep, Step } from '../plan/step.ts';
import type { Family } from '../values/address.ts';
import type { EgressPolicy } from '../values/egress.ts';
import type { SegmentSizes, Segments } from '../values/gso-sizes.ts';
import type { Mac } from '../values/mac.ts';
import type { BridgeRequest, Subnet } from '../values/network.ts';
import { configureLink, disableIpv6, type EndpointLink, familiesForMtu, namespaceOf, type Sandbox } from './sandbox.ts';

/** The requested options of a bridge network. */
export type BridgeOptions = Omit<BridgeRequest, 'kind' | 'link' | 'mtuBytes' | 'hostBinding' | 'linkPrefix' | 'bigTcp'>;

export interface BridgeNetwork extends BridgeOptions {
  readonly kind: 'bridge';
  readonly name: string;
  /** The link's name: `gangway0`. */
  readonly bridge: string;
  readonly mac: Mac;
  readonly mtuBytes: number;
  readonly subnets: readonly Subnet[];
  readonly internal: boolean;
  readonly egress?: EgressPolicy;
  /** Absent: as the kernel has them. */
  readonly segments?: SegmentSizes;
}

export function optionsOf(request: BridgeRequest): BridgeOptions {
  const { kind, link, mtuBytes, hostBinding, linkPrefix, bigTcp, ...options } = request;
  return options;
}

/** A container's connection to a network. */
export interface Endpoint extends EndpointLink {
  readonly id: string;
  /** The host end of the veth: `veth3f2a9c4`. Absent for macvlan and ipvlan. */
  readonly hostLink?: string;
  readonly mac: Mac;
  /** Isolated by the bridge: without br_netfilter, no rule sees traffic between siblings. */
  readonly isolated?: boolean;
}

/**
 * Creates the bridge: `ip link add gangway0 type bridge; ip address add 172.17.0.1/16 dev gangway0; ip link set
 * gangway0 up`.
 */
export function createBridge(network: BridgeNetwork, families: readonly Family[], firewall: Backend): readonly Step[] {
  const { bridge, mac, mtuBytes, subnets } = network;
  return [
    ...bridgePolicySteps(network, firewall),
    {
      kind: 'bridge',
      in: 'host',
      name: bridge,
      mac,
      mtuBytes,
      ...(network.interContainer ? {} : { filtered: true }),
      why: `the bridge of network ${network.name}`,
    },
    ...disableIpv6('host', bridge, subnets, familiesForMtu(mtuBytes, families)),
    ...ignoreRouterAdvertisements(network),
    ...looseReversePath(network),
    ...restrictArp(network),
    ...subnets.flatMap((subnet) => gatewayAddress(network, subnet)),
    { kind: 'up', in: 'host', link: bridge, why: 'enable the bridge' },
  ];
}

/** The policy of a network: `nft add element inet gangway bridges { "gangway0" }` and so on. */
export function bridgePolicySteps(network: BridgeNetwork, firewall: Backend): readonly FirewallStep[] {
  const policy = policyOf(network);
  return networkElements(policy).flatMap((element) =>
    firewall.stepsFor([element], reasonOf(element, policy, network.name)),
  );
}

/** The host ignores router advertisements from containers (CVE-2020-13401). */
function ignoreRouterAdvertisements({ bridge, subnets, gatewayModes }: BridgeNetwork): readonly Step[] {
  if (!subnets.some(({ subnet }) => subnet.address.family === 6)) return [];
  const [key, value, why] =
    gatewayModes[6] === 'isolated'
      ? ['disable_ipv6', '1', 'the host has no address on this bridge']
      : ['accept_ra', '0', 'ignore router advertisements from containers'];
  return [{ kind: 'sysctl', in: 'host', key: `net/ipv6/conf/${bridge}/${key}`, value, why }];
}

/**
 * Sets rp_filter to loose. A container in two networks replies through its default route, also to requests from the
 * other network. A strict filter would drop those replies and so break connections when the container joins a second
 * network. The kernel uses the larger value of host and link. The firewall checks sources by link instead.
 */
function looseReversePath({ bridge, subnets, gatewayModes }: BridgeNetwork): readonly Step[] {
  const routes = subnets.some(({ subnet }) => subnet.address.family === 4) && gatewayModes[4] !== 'isolated';
  if (!routes) return [];
  const why = 'a container in two networks may reply through either of them';
  return [{ kind: 'sysctl', in: 'host', key: `net/ipv4/conf/${bridge}/rp_filter`, value: '2', why }];
}

/**
 * Limits ARP replies to the gateway's address. By default the kernel replies for every host address, without asking any
 * rule. IPv6 does this by itself.
 */
function restrictArp({ bridge, subnets, internal }: BridgeNetwork): readonly Step[] {
  if (!internal || !subnets.some(({ subnet }) => subnet.address.family === 4)) return [];
  const why = 'reply to ARP only for the gateway’s address';
  return [{ kind: 'sysctl', in: 'host', key: `net/ipv4/conf/${bridge}/arp_ignore`, value: '1', why }];
}

/** The gateway's address, unless the network has none. */
function gatewayAddress(
  { bridge, gatewayModes, inhibitIpv4 }: BridgeNetwork,
  { subnet, gateway }: Subnet,
): readonly Step[] {
  const { family } = subnet.address;
  if (gateway === undefined || gatewayModes[family] === 'isolated' || (inhibitIpv4 && family === 4)) return [];
  const prefix = { address: gateway, length: subnet.length };
  const why = 'the gateway: the host’s address on the bridge';
  return [{ kind: 'address', in: 'host', link: bridge, prefix, why }];
}

export function policyOf({ subnets, ...network }: BridgeNetwork): NetworkPolicy {
  return { ...network, subnets: subnets.map(({ subnet }) => subnet) };
}

/**
 * Connects a container to a bridge. The default route is set later, when all endpoints are known (default-route.ts).
 *
 *      ip link add vethX up master gangway0 type veth peer name eth0 address MAC netns C
 *      ip -n C address add 172.17.0.2/16 dev eth0; ip -n C link set eth0 up
 *
 * A container that exits is not disconnected: removing its namespace removes the veth.
 */
export function attachBridge(
  network: BridgeNetwork,
  endpoint: Endpoint,
  sandbox: Sandbox,
  families: readonly Family[],
): readonly Step[] {
  const place = namespaceOf(sandbox);
  const { link, hostLink, mac } = endpoint;
  const { segments } = network;
  if (hostLink === undefined) throw new TypeError(`endpoint ${endpoint.id} has no host link for ${network.bridge}`);
  return [
    {
      kind: 'own-flows',
      in: 'host',
      link: network.bridge,
      addresses: endpoint.addresses.map(({ address }) => address),
      why: 'connections of this container must not reach the next container with its address',
    },
    ...defaultIpv6(place, network.subnets, families),
    {
      kind: 'veth',
      in: 'host',
      name: hostLink,
      bridge: network.bridge,
      mtuBytes: network.mtuBytes,
      ...(segments === undefined ? {} : { segments: segments.machine }),
      peer: {
        namespace: sandbox.namespace,
        name: link,
        mac,
        ...(segments === undefined ? {} : { segments: segments.containers }),
      },
      why: `a veth pair: one end is a port of ${network.bridge}, the other one is the container’s ${link}`,
    },
    ...(segments === undefined ? [] : [bridgeSegments(network.bridge, segments.machine)]),
    {
      kind: 'hairpin',
      in: 'host',
      link: hostLink,
      why: 'a container may reach itself through a published port: the frame returns through its own bridge port',
    },
    {
      kind: 'groups-forwarded',
      in: 'host',
      link: hostLink,
      why: 'link-local control frames are forwarded like others: they would bypass the rules for the bridge',
    },
    ...(endpoint.isolated === true ? [isolate(hostLink)] : []),
    ...disableIpv6('host', hostLink, network.subnets, familiesForMtu(network.mtuBytes, families)),
    ...configureLink(endpoint, sandbox),
  ];
}

/** Repeated for each endpoint, because the bridge's size is limited by its ports. */
function bridgeSegments(link: string, segments: Segments): Step {
  return {
    kind: 'segments',
    in: 'host',
    link,
    segments,
    why: 'the host may send large packets to its containers',
  };
}

function isolate(link: string): Step {
  return { kind: 'isolated', in: 'host', link, why: 'containers of this network may not talk to each other' };
}

/**
 * A new link inherits the setting `default` of its namespace, which another network of the container may have changed.
 */
function defaultIpv6(place: NamespaceRef, subnets: readonly Subnet[], families: readonly Family[]): readonly Step[] {
  const closed = disableIpv6(place, 'default', subnets, families);
  if (closed.length > 0 || !families.includes(6)) return closed;
  const key = 'net/ipv6/conf/default/disable_ipv6';
  return [
    { kind: 'sysctl', in: place, key, value: '0', why: 'this network has IPv6, unlike another one of the container' },
  ];
}

/** The default routes of an endpoint: through the bridge's address, except in internal networks. */
export function bridgeRoutes({ subnets, internal }: BridgeNetwork, { link }: Endpoint): readonly DefaultRoute[] {
  if (internal) return [];
  return subnets.flatMap(({ subnet, gateway, auxiliary }) => {
    const { family } = subnet.address;
    // Docker's name for another gateway on the network.
    const via = auxiliary[`DefaultGatewayIPv${family}`] ?? gateway;
    return via === undefined ? [] : [{ family, link, gateway: via }];
  });
}
