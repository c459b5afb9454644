/**
 * Chapter 9: ipvlan.
 *
 * Some switches allow one MAC per port, and wireless networks and most clouds drop frames with unknown MACs. There
 * macvlan fails. An ipvlan is a child of a link too, but shares the parent's MAC: the kernel sorts packets by
 * destination address.
 *
 *      container a              container b
 *     +-----------------+      +-----------------+
 *     | eth0            |      | eth0            |              external network
 *     | 203.0.113.100   |      | 203.0.113.101   |                 |
 *     +--------+--------+      +--------+--------+                 |--- router 203.0.113.2
 *     +--------+------------------------+--------+                 |
 *     |       sorted by address      the parent  |-----------------|--- host 203.0.113.3
 *     +------------------------------------------+   one MAC       |
 *     | the host's own stack: up0 203.0.113.1    |                 |
 *     +------------------------------------------+
 *
 * Modes, the layer at which containers meet the external network:
 *
 *      l2      each container resolves MACs itself (ARP, neighbour discovery), with the router as its gateway
 *      l3      the parent's stack routes for the containers: no broadcasts, a default route without a gateway, and all
 *              subnets of the network reach each other. External hosts need a route to the subnets through this host
 *      l3s     as l3, and packets pass the host's netfilter: its rules and connection tracking apply
 *
 * Flags: with `bridge`, containers reach each other; with `private`, never; with `vepa` (l2), through a switch that
 * reflects frames.
 *
 * Incoming: the parent looks up the destination among the addresses of all children; other packets are the host's.
 * Outgoing: packets to a sibling are delivered directly, others go to the external network (l2) or by the routes of the
 * parent's namespace (l3, l3s). As with macvlan, host and containers can't reach each other.
 *
 * What the kernel does by itself: it refuses an address that another child of the parent has. Mode and flag belong to
 * the parent, and the last child sets them for all: hence one network per parent.
 *
 * As with macvlan, ports can't be published, and `--internal` removes only the default route; in l3 the containers then
 * reach only their own subnet. A container can't have its own MAC. Unlike Docker, gangway creates the child inside the
 * container, and reports a kernel without ipvlan.
 */
import type { DefaultRoute, Step } from '../plan/step.ts';
import type { Family } from '../values/address.ts';
import type { IpvlanRequest, Subnet } from '../values/network.ts';
import { macvlanRoutes, temporaryLinkName, type WireEndpoint } from './macvlan.ts';
import { createParent, type Parent } from './parent-interface.ts';
import { configureLink, disableIpv6, namespaceOf, type Sandbox } from './sandbox.ts';

export interface IpvlanNetwork {
  readonly kind: 'ipvlan';
  readonly name: string;
  readonly parent: Parent;
  readonly mode: IpvlanRequest['mode'];
  readonly flag: IpvlanRequest['flag'];
  /** Absent: the parent's. */
  readonly mtuBytes?: number;
  readonly subnets: readonly Subnet[];
  readonly internal: boolean;
}

export function createIpvlan({ parent, subnets }: IpvlanNetwork, families: readonly Family[]): readonly Step[] {
  return createParent(parent, subnets, families);
}

/**
 * Connects a container through the parent's MAC.
 *
 *      ip link add link up0 name gw3f2a9c41d0b7 netns C type ipvlan mode l2 bridge
 *      ip -n C link set gw3f2a9c41d0b7 name eth0
 *      ip -n C address add 203.0.113.100/24 dev eth0; ip -n C link set eth0 up
 */
export function attachIpvlan(
  network: IpvlanNetwork,
  endpoint: Omit<WireEndpoint, 'mac'>,
  sandbox: Sandbox,
  families: readonly Family[],
): readonly Step[] {
  const { parent, mode, flag, mtuBytes, subnets } = network;
  return [
    {
      kind: 'ipvlan',
      in: 'host',
      parent: parent.link,
      mode,
      flag,
      namespace: sandbox.namespace,
      name: endpoint.link,
      bornAs: temporaryLinkName(endpoint),
      ...(mtuBytes === undefined ? {} : { mtuBytes }),
      why: `the container’s ${endpoint.link} is an ipvlan of ${parent.link} and shares its MAC`,
    },
    ...disableIpv6(namespaceOf(sandbox), endpoint.link, subnets, families),
    ...configureLink(endpoint, sandbox),
  ];
}

/**
 * The default routes of an endpoint: through an external gateway (l2), or without a gateway where the parent routes
 * (l3, l3s).
 */
export function ipvlanRoutes(network: IpvlanNetwork, endpoint: Omit<WireEndpoint, 'mac'>): readonly DefaultRoute[] {
  if (network.mode === 'l2') return macvlanRoutes(network, endpoint);
  if (network.internal) return [];
  return endpoint.addresses.map(({ address }) => ({ family: address.family, link: endpoint.link }));
}
