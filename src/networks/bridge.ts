/**
 * Chapter 3: bridge.
 *
 * How do containers reach each other and the machine? As machines in an office do: each has a cable, and the cables
 * end in one switch. The kernel has both. A veth is a cable with two plugs; a bridge is a switch.
 *
 *      container a            the machine                           container b
 *     +---------------+      +------------------------------+      +---------------+
 *     | eth0          |      |      gangway0 172.17.0.1     |      | eth0          |
 *     | 172.17.0.2    |======| vethA       |        vethB   |======| 172.17.0.3    |
 *     |               | veth |   +---------+----------+     | veth |               |
 *     | default via   |      |        the bridge            |      | default via   |
 *     |   172.17.0.1  |      |                              |      |   172.17.0.1  |
 *     +---------------+      +------------------------------+      +---------------+
 *
 * A packet's way from a to b: a's route table says that 172.17.0.0/16 is on eth0; ARP asks the bridge's ports who has
 * 172.17.0.3; the frame goes through the cable, the bridge has learnt behind which port b's MAC is, and it comes out
 * of b's eth0. The machine's own routing is not asked. From a to anywhere else: the default route names 172.17.0.1,
 * which is the bridge itself, so the frame climbs into the machine; chapter 4 sends it on.
 *
 * What the kernel does by itself: an address of length 16 brings its route along; the bridge learns MACs and forgets
 * them after five minutes; deleting one plug of a veth, or the namespace that it is in, deletes both.
 *
 * Where we differ from Docker: the cable is made in one message, its far plug born in the container under its final
 * name (Docker before 28 made it outside, moved and renamed it: 30 ms). The bridge has a fixed MAC from its birth, so
 * neighbours' tables stay true when ports come and go. IPv6 is off on a network without IPv6, on all three of its
 * interfaces and not in the container alone: what each plug would announce about itself is flooded to all others, and
 * at a thousand containers was half of the time that one took. The container's MAC is made from its address, as Docker
 * did until 27: who gets an address that another had gets its MAC too, so no neighbour's table is ever wrong. Docker 28
 * draws it at random and then has to announce it, three broadcasts a container, which on a bridge of a thousand cost 4 ms
 * each.
 */

import type { Backend } from '../firewall/backend.ts';
import { type NetworkPolicy, networkElements } from '../firewall/policy.ts';
import { reasonOf } from '../firewall/rule-explanations.ts';
import type { NamespaceRef } from '../plan/namespace-ref.ts';
import type { DefaultRoute, FirewallStep, Step } from '../plan/step.ts';
import type { Family } from '../values/address.ts';
import type { EgressPolicy } from '../values/egress.ts';
import type { SegmentSizes, Segments } from '../values/gso-sizes.ts';
import type { Mac } from '../values/mac.ts';
import type { BridgeRequest, Subnet } from '../values/network.ts';
import { configureLink, disableIpv6, type EndpointLink, familiesForMtu, namespaceOf, type Sandbox } from './sandbox.ts';

/** What a bridge does about the world, as it was asked for. */
export type BridgeOptions = Omit<BridgeRequest, 'kind' | 'link' | 'mtuBytes' | 'hostBinding' | 'linkPrefix' | 'bigTcp'>;

/** A switch with an address of its own. */
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

/** A cable between a container and a bridge. */
export interface Endpoint extends EndpointLink {
  readonly id: string;
  /** The machine's plug: `veth3f2a9c4`. Absent where a link of the machine leads into the container without a cable. */
  readonly hostLink?: string;
  readonly mac: Mac;
  /** Kept from its siblings by the bridge itself: where there is no br_netfilter, no rule sees what they say. */
  readonly isolated?: boolean;
}

/** `ip link add gangway0 type bridge; ip address add 172.17.0.1/16 dev gangway0; ip link set gangway0 up`. */
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
      why: `the switch of network ${network.name}`,
    },
    ...disableIpv6('host', bridge, subnets, familiesForMtu(mtuBytes, families)),
    ...deaf(network),
    ...lenient(network),
    ...discreet(network),
    ...subnets.flatMap((subnet) => stand(network, subnet)),
    { kind: 'up', in: 'host', link: bridge, why: 'the switch is on' },
  ];
}

/** `nft add element inet gangway bridges { "gangway0" }`, and what else the firewall has to know of a network. */
export function bridgePolicySteps(network: BridgeNetwork, firewall: Backend): readonly FirewallStep[] {
  const policy = policyOf(network);
  return networkElements(policy).flatMap((element) =>
    firewall.stepsFor([element], reasonOf(element, policy, network.name)),
  );
}

/** What a container says of routes in IPv6 is not for the machine (CVE-2020-13401). */
function deaf({ bridge, subnets, gatewayModes }: BridgeNetwork): readonly Step[] {
  if (!subnets.some(({ subnet }) => subnet.address.family === 6)) return [];
  const [key, value, why] =
    gatewayModes[6] === 'isolated'
      ? ['disable_ipv6', '1', 'the machine has no place on this switch']
      : ['accept_ra', '0', 'no container is a router for the machine'];
  return [{ kind: 'sysctl', in: 'host', key: `net/ipv6/conf/${bridge}/${key}`, value, why }];
}

/**
 * A container on two networks answers on the one what has come by the other, when its way out is there. Where the
 * machine's rp_filter is strict that would be a forgery, and connections of the first network would end when the second
 * one is joined. Of the machine's value and the link's the kernel takes the larger. Who may send what is for the rules
 * to say, which go by link.
 */
function lenient({ bridge, subnets, gatewayModes }: BridgeNetwork): readonly Step[] {
  const routes = subnets.some(({ subnet }) => subnet.address.family === 4) && gatewayModes[4] !== 'isolated';
  if (!routes) return [];
  const why = 'what comes from a container on two networks may be answered by the other';
  return [{ kind: 'sysctl', in: 'host', key: `net/ipv4/conf/${bridge}/rp_filter`, value: '2', why }];
}

/**
 * Who asks by ARP is answered for every address that the machine has anywhere, and no rule is asked. An internal network
 * learns of none but its gateway's, an isolated one of none at all. In IPv6 the kernel does so by itself.
 */
function discreet({ bridge, subnets, internal }: BridgeNetwork): readonly Step[] {
  if (!internal || !subnets.some(({ subnet }) => subnet.address.family === 4)) return [];
  const why = 'the machine’s other addresses are nobody’s business here';
  return [{ kind: 'sysctl', in: 'host', key: `net/ipv4/conf/${bridge}/arp_ignore`, value: '1', why }];
}

/** The machine's own place on the switch, unless it has none. */
function stand({ bridge, gatewayModes, inhibitIpv4 }: BridgeNetwork, { subnet, gateway }: Subnet): readonly Step[] {
  const { family } = subnet.address;
  if (gateway === undefined || gatewayModes[family] === 'isolated' || (inhibitIpv4 && family === 4)) return [];
  const prefix = { address: gateway, length: subnet.length };
  const why = 'the gateway: the machine’s own place on the switch';
  return [{ kind: 'address', in: 'host', link: bridge, prefix, why }];
}

/** What the firewall has to know of the network. */
export function policyOf({ subnets, ...network }: BridgeNetwork): NetworkPolicy {
  return { ...network, subnets: subnets.map(({ subnet }) => subnet) };
}

/**
 * Plugs a container into a bridge. Which way it takes to the world is said afterwards, when all its plugs are known
 * (gateway.ts).
 *
 *     ip link add vethX up master gangway0 type veth peer name eth0 address MAC netns C
 *     ip -n C address add 172.17.0.2/16 dev eth0; ip -n C link set eth0 up
 *
 * A container that ends is not unplugged: its namespace takes both plugs with it.
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
  if (hostLink === undefined) throw new TypeError(`endpoint ${endpoint.id} has no plug for ${network.bridge}`);
  return [
    {
      kind: 'own-flows',
      in: 'host',
      link: network.bridge,
      addresses: endpoint.addresses.map(({ address }) => address),
      why: 'what others still send to this container must not be led to whoever gets its address next',
    },
    ...familyAtBirth(place, network.subnets, families),
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
      why: `a cable: one plug in ${network.bridge}, the other one is the container’s ${link}`,
    },
    ...(segments === undefined ? [] : [roomy(network.bridge, segments.machine)]),
    {
      kind: 'hairpin',
      in: 'host',
      link: hostLink,
      why: 'a container may reach itself through a published port: the frame leaves by the port it came in by',
    },
    {
      kind: 'groups-forwarded',
      in: 'host',
      link: hostLink,
      why: 'what is said to the switch itself would get past it to the machine, and past every rule that names the bridge',
    },
    ...(endpoint.isolated === true ? [apart(hostLink)] : []),
    ...disableIpv6('host', hostLink, network.subnets, familiesForMtu(network.mtuBytes, families)),
    ...configureLink(endpoint, sandbox),
  ];
}

/** Of each plug anew: the bridge's size is bounded by its ports', and without any it is the ordinary one. */
function roomy(link: string, segments: Segments): Step {
  return {
    kind: 'segments',
    in: 'host',
    link,
    segments,
    why: 'what the machine sends to its containers need not be cut',
  };
}

function apart(link: string): Step {
  return { kind: 'isolated', in: 'host', link, why: 'containers of this network may not talk to each other' };
}

/** A link is born with the setting `default` of its namespace, which another network of the container may have changed. */
function familyAtBirth(place: NamespaceRef, subnets: readonly Subnet[], families: readonly Family[]): readonly Step[] {
  const closed = disableIpv6(place, 'default', subnets, families);
  if (closed.length > 0 || !families.includes(6)) return closed;
  const key = 'net/ipv6/conf/default/disable_ipv6';
  return [
    { kind: 'sysctl', in: place, key, value: '0', why: 'this network has IPv6, whatever the container’s others have' },
  ];
}

/** The ways out that a plug offers: through the bridge's own address, unless nobody is to get out there. */
export function bridgeRoutes({ subnets, internal }: BridgeNetwork, { link }: Endpoint): readonly DefaultRoute[] {
  if (internal) return [];
  return subnets.flatMap(({ subnet, gateway, auxiliary }) => {
    const { family } = subnet.address;
    // Docker's words for somebody else on the wire who is the way out.
    const way = auxiliary[`DefaultGatewayIPv${family}`] ?? gateway;
    return way === undefined ? [] : [{ family, link, gateway: way }];
  });
}
