/**
 * Chapter 9: macvlan.
 *
 * What if a container should be a machine among machines: with an address of the office's own network, seen by everybody
 * there, without port publishing or translation? Then it needs a MAC of its own on the machine's wire. A macvlan is that:
 * one more MAC behind a link, with a network stack of its own.
 *
 *      container a              container b
 *     +-----------------+      +-----------------+
 *     | eth0            |      | eth0            |              the wire
 *     | 02:42:cb:00:…:64|      | 02:42:cb:00:…:65|                 |
 *     +--------+--------+      +--------+--------+                 |--- router 203.0.113.2
 *     +--------+------------------------+--------+                 |
 *     |        sorted by MAC         the parent  |-----------------|--- somebody 203.0.113.3
 *     +------------------------------------------+                 |
 *     | the machine's own stack: up0 203.0.113.1 |                 |
 *     +------------------------------------------+
 *
 * A packet's way, in: a frame arrives at the parent, and before the machine's own stack sees it, the parent's children are
 * asked whose MAC it is for; a broadcast goes to all of them and to the machine. Out: a frame for a sibling's MAC is handed
 * over at once, any other goes out on the wire. There is no bridge, no forwarding, no firewall rule and no translation of
 * ours on these ways: the router of that wire decides, as for any machine there.
 *
 * Why the machine can't talk to the containers: what its own stack sends by up0 goes to the wire, and only what comes in
 * from the wire is sorted. The frame would have to come back by the port on which it left, and no ordinary switch does
 * that. The other way round it is the same: the machine's MAC is no sibling's.
 *
 * The modes say who may hear whom among the children of one parent:
 *
 *      bridge      siblings hear each other, without a detour
 *      vepa        what is for a sibling goes out on the wire; a switch with "reflective relay" sends it back
 *      private     siblings never hear each other, not even by such a switch
 *      passthru    an only child, which has the parent's own MAC and no other, and with it all that arrives
 *
 * What the kernel does by itself: the child has the carrier of its parent, and while that is down nothing flows; when the
 * parent goes, or the container's namespace, so does the child.
 *
 * Ports can't be published: nothing passes the machine at which they could be translated, and nothing need be, as every
 * port of the container is open to its wire. `--internal` takes the default route away, and no more: neighbours on the
 * wire stay neighbours. A network that leads nowhere at all is one without a parent.
 *
 * Where we differ from Docker: the child is born in the container; Docker makes it on the machine, for everybody to see,
 * and moves it in.
 */
import type { DefaultRoute, Step } from '../plan/step.ts';
import { contains, type Family } from '../values/address.ts';
import { shortId } from '../values/id.ts';
import type { Mac } from '../values/mac.ts';
import type { MacvlanRequest, Subnet } from '../values/network.ts';
import { createParent, type Parent } from './parent-interface.ts';
import { configureLink, disableIpv6, type EndpointLink, familiesForMtu, namespaceOf, type Sandbox } from './sandbox.ts';

/** More MACs on one wire. */
export interface MacvlanNetwork {
  readonly kind: 'macvlan';
  readonly name: string;
  readonly parent: Parent;
  readonly mode: MacvlanRequest['mode'];
  /** Absent: the parent's. */
  readonly mtuBytes?: number;
  /** Several of a family are possible: they are all on one wire. */
  readonly subnets: readonly Subnet[];
  readonly internal: boolean;
}

/** A container's place on a wire. */
export interface WireEndpoint extends EndpointLink {
  readonly id: string;
  readonly mac: Mac;
}

/** Nothing, or the parent. */
export function createMacvlan({ parent, subnets }: MacvlanNetwork, families: readonly Family[]): readonly Step[] {
  return createParent(parent, subnets, families);
}

/**
 * Gives a container a MAC on the wire.
 *
 *     ip link add link up0 name gw3f2a9c41d0b7 address MAC netns C type macvlan mode bridge
 *     ip -n C link set gw3f2a9c41d0b7 name eth0
 *     ip -n C address add 203.0.113.100/24 dev eth0; ip -n C link set eth0 up
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
      why: `the container’s ${link} is one more MAC on ${parent.link}`,
    },
    ...disableIpv6(namespaceOf(sandbox), link, subnets, familiesForMtu(mtuBytes, families)),
    ...configureLink(endpoint, sandbox),
  ];
}

/** The ways out that a plug offers: by the gateway of its subnet, where there is one. */
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

/** A name that no other link of the machine or of the container has. */
export function temporaryLinkName({ id }: Pick<WireEndpoint, 'id'>): string {
  return `gw${shortId(id)}`;
}
