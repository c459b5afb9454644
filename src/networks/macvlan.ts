/**
 * Chapter 8: macvlan.
 *
 * A macvlan container has its own address and MAC on the host's external network, visible to all hosts there, without
 * published ports or NAT. A macvlan is an additional MAC on a link, with its own network stack.
 *
 *      container a              container b
 *     +-----------------+      +-----------------+
 *     | eth0            |      | eth0            |              external network
 *     | 02:42:cb:00:…:64|      | 02:42:cb:00:…:65|                 |
 *     +--------+--------+      +--------+--------+                 |--- router 203.0.113.2
 *     +--------+------------------------+--------+                 |
 *     |        sorted by MAC         the parent  |-----------------|--- host 203.0.113.3
 *     +------------------------------------------+                 |
 *     | the host's own stack: up0 203.0.113.1    |                 |
 *     +------------------------------------------+
 *
 * Incoming: the parent passes each frame to the child with its destination MAC, before the host's own stack sees it; a
 * broadcast goes to all children and the host. Outgoing: a frame to a sibling's MAC is delivered directly, any other
 * goes to the external network. No bridge, forwarding, firewall rule or NAT of gangway is involved: the external router
 * decides.
 *
 * Host and containers can't reach each other: packets of the host's own stack go out on the parent, and only incoming
 * frames are sorted. A frame would have to return through the switch port on which it left, which ordinary switches
 * don't do.
 *
 * Modes, the traffic among children of one parent:
 *
 *      bridge      direct
 *      vepa        through the external switch, if it has "reflective relay"
 *      private     none, even with such a switch
 *      passthru    a single child, which has the parent's own MAC and receives all frames
 *
 * What the kernel does by itself: a child has the carrier of its parent, and is removed with the parent or the
 * container's namespace.
 *
 * Ports can't be published: no packet passes through the host, and all ports are open to the external network anyway.
 * `--internal` only removes the default route: hosts of the subnet stay reachable. A network without a parent is
 * connected to nothing.
 *
 * Unlike Docker, which creates the link on the host and moves it, gangway creates it inside the container.
 */
import type { DefaultRoute, Step } from '../plan/step.ts';
import { contains, type Family } from '../values/address.ts';
import { shortId } from '../values/id.ts';
import type { Mac } from '../values/mac.ts';
import type { MacvlanRequest, Subnet } from '../values/network.ts';
import { createParent, type Parent } from './parent-interface.ts';
import { configureLink, disableIpv6, type EndpointLink, familiesForMtu, namespaceOf, type Sandbox } from './sandbox.ts';

export interface MacvlanNetwork {
  readonly kind: 'macvlan';
  readonly name: string;
  readonly parent: Parent;
  readonly mode: MacvlanRequest['mode'];
  /** Absent: the parent's. */
  readonly mtuBytes?: number;
  /** There may be several subnets of one family. */
  readonly subnets: readonly Subnet[];
  readonly internal: boolean;
}

/** An endpoint of a macvlan network. */
export interface WireEndpoint extends EndpointLink {
  readonly id: string;
  readonly mac: Mac;
}

export function createMacvlan({ parent, subnets }: MacvlanNetwork, families: readonly Family[]): readonly Step[] {
  return createParent(parent, subnets, families);
}

/**
 * Connects a container to the external network with its own MAC.
 *
 *      ip link add link up0 name gw3f2a9c41d0b7 address MAC netns C type macvlan mode bridge
 *      ip -n C link set gw3f2a9c41d0b7 name eth0
 *      ip -n C address add 203.0.113.100/24 dev eth0; ip -n C link set eth0 up
 */
export function attachMacvlan(
  network: MacvlanNetwork,
  endpoint: WireEndpoint,
  sandbox: Sandbox,
  families: readonly Family[],
): readonly Step[] {
  const { parent, mode, mtuBytes, subnets } = network;
  const { link, mac } = endpoint;
  return [
    {
      kind: 'macvlan',
      in: 'host',
      parent: parent.link,
      mode,
      namespace: sandbox.namespace,
      name: link,
      bornAs: temporaryLinkName(endpoint),
      ...(mtuBytes === undefined ? {} : { mtuBytes }),
      ...(mode === 'passthru' ? {} : { mac }),
      why: `the container’s ${link} is a macvlan of ${parent.link}: an additional MAC there`,
    },
    ...disableIpv6(namespaceOf(sandbox), link, subnets, familiesForMtu(mtuBytes, families)),
    ...configureLink(endpoint, sandbox),
  ];
}

/** The default routes of an endpoint: through the gateways of its subnets. */
export function macvlanRoutes(
  { subnets, internal }: Pick<MacvlanNetwork, 'subnets' | 'internal'>,
  { link, addresses }: Omit<WireEndpoint, 'mac'>,
): readonly DefaultRoute[] {
  if (internal) return [];
  return addresses.flatMap(({ address }) => {
    const gateway = subnets.find(({ subnet }) => contains(subnet, address))?.gateway;
    return gateway === undefined ? [] : [{ family: address.family, link, gateway }];
  });
}

/** A name unique among the links of the host and the container. */
export function temporaryLinkName({ id }: Pick<WireEndpoint, 'id'>): string {
  return `gw${shortId(id)}`;
}
