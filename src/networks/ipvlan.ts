/**
 * Chapter 10: ipvlan.
 *
 * What if the wire suffers no further MAC? Switches that allow one MAC a port, wireless networks and most clouds drop
 * frames with a strange one. An ipvlan is a child of a link as a macvlan is, but it shares its parent's MAC: frames are
 * sorted by the internet address that they are for.
 *
 *      container a              container b
 *     +-----------------+      +-----------------+
 *     | eth0            |      | eth0            |              the wire
 *     | 203.0.113.100   |      | 203.0.113.101   |                 |
 *     +--------+--------+      +--------+--------+                 |--- router 203.0.113.2
 *     +--------+------------------------+--------+                 |
 *     |       sorted by address      the parent  |-----------------|--- somebody 203.0.113.3
 *     +------------------------------------------+   one MAC       |
 *     | the machine's own stack: up0 203.0.113.1 |                 |
 *     +------------------------------------------+
 *
 * The modes say at which layer the containers meet the wire:
 *
 *      l2      each container asks the wire for MACs (ARP, neighbour discovery), and has the router there as its gateway
 *      l3      the parent's stack asks and routes for them: no broadcast comes in or goes out, the containers' default
 *              route names eth0 and no gateway, and all subnets of the network reach each other. The world needs a route to
 *              the subnets by way of the machine, since nobody out there can ask who has such an address
 *      l3s     as l3, but packets pass the machine's netfilter on their way, so that its rules and connection tracking work
 *
 * and the flags who hears whom: with `bridge` siblings hear each other, with `private` they never do, and with `vepa` (l2)
 * by a switch that sends back what is for them.
 *
 * A packet's way, in: it arrives at the parent, and its destination is looked up among the addresses of all children; what
 * is nobody's is the machine's. Out: what is for a sibling's address is handed over at once, other things go out on the
 * wire (l2), or by the routes of the parent's namespace (l3, l3s).
 *
 * Why the machine can't talk to the containers: as with macvlan, what it sends itself is not sorted.
 *
 * What the kernel does by itself: it knows the addresses of all children of a parent and refuses to give one twice. Mode
 * and flag belong to the parent: the last child that is born sets them for all its siblings; hence one network a parent.
 *
 * As with macvlan, ports can't be published, and `--internal` takes the default route alone: in l3 the containers then
 * reach their own subnet. A container can't have a MAC of its own. Where we differ from Docker: the child is born in the
 * container; and where the kernel has no ipvlan, that is what the error says.
 */
import type { DefaultRoute, Step } from '../plan/step.ts';
import type { Family } from '../values/address.ts';
import type { IpvlanRequest, Subnet } from '../values/network.ts';
import { macvlanRoutes, temporaryLinkName, type WireEndpoint } from './macvlan.ts';
import { createParent, type Parent } from './parent-interface.ts';
import { configureLink, disableIpv6, namespaceOf, type Sandbox } from './sandbox.ts';

/** More addresses behind one MAC. */
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

/** Nothing, or the parent. */
export function createIpvlan({ parent, subnets }: IpvlanNetwork, families: readonly Family[]): readonly Step[] {
  return createParent(parent, subnets, families);
}

/**
 * Gives a container an address behind the parent's MAC.
 *
 *     ip link add link up0 name gw3f2a9c41d0b7 netns C type ipvlan mode l2 bridge
 *     ip -n C link set gw3f2a9c41d0b7 name eth0
 *     ip -n C address add 203.0.113.100/24 dev eth0; ip -n C link set eth0 up
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
      why: `the container’s ${endpoint.link} is one more address behind ${parent.link}`,
    },
    ...disableIpv6(namespaceOf(sandbox), endpoint.link, subnets, families),
    ...configureLink(endpoint, sandbox),
  ];
}

/** The ways out that a plug offers: by a gateway on the wire (l2), or simply out, where the parent routes (l3, l3s). */
export function ipvlanRoutes(network: IpvlanNetwork, endpoint: Omit<WireEndpoint, 'mac'>): readonly DefaultRoute[] {
  if (network.mode === 'l2') return macvlanRoutes(network, endpoint);
  if (network.internal) return [];
  return endpoint.addresses.map(({ address }) => ({ family: address.family, link: endpoint.link }));
}
