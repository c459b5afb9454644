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

import { elementSteps } from '../firewall/nftables.ts';
import { networkElements } from '../firewall/policy.ts';
import type { Step } from '../plan/step.ts';
import type { Address, Prefix } from '../values/address.ts';
import type { Mac } from '../values/mac.ts';
import { inSandbox, type Sandbox } from './none.ts';

/** lo is number 1 in every namespace. */
const firstIndex = 2;

/** A switch with an address of its own. */
export interface BridgeNetwork {
  readonly name: string;
  /** The link's name: `gangway0`. */
  readonly bridge: string;
  readonly mac: Mac;
  readonly mtuBytes: number;
  readonly subnets: readonly Subnet[];
}

export interface Subnet {
  readonly subnet: Prefix;
  /** The bridge's own address in the subnet, and every container's way out. */
  readonly gateway: Address;
}

/** A cable between a container and a bridge. */
export interface Endpoint {
  readonly id: string;
  /** The machine's plug: `veth3f2a9c4`. */
  readonly hostLink: string;
  /** The container's plug: `eth0`. */
  readonly link: string;
  readonly mac: Mac;
  readonly addresses: readonly Prefix[];
}

/** `ip link add gangway0 type bridge; ip address add 172.17.0.1/16 dev gangway0; ip link set gangway0 up`. */
export function createBridge(network: BridgeNetwork): readonly Step[] {
  const { bridge, mac, mtuBytes, subnets } = network;
  const policy = { bridge, subnets: subnets.map(({ subnet }) => subnet), interContainer: true, masquerade: true };
  return [
    ...elementSteps(networkElements(policy), `the firewall knows ${bridge} before a packet can cross it`),
    { kind: 'bridge', in: 'host', name: bridge, mac, mtuBytes, why: `the switch of network ${network.name}` },
    ...closedFamily('host', bridge, subnets),
    ...subnets.map(({ subnet, gateway }): Step => {
      const prefix = { address: gateway, length: subnet.length };
      return {
        kind: 'address',
        in: 'host',
        link: bridge,
        prefix,
        why: 'the gateway: the machine’s own place on the switch',
      };
    }),
    { kind: 'up', in: 'host', link: bridge, why: 'the switch is on' },
  ];
}

/**
 * Plugs a container into a bridge.
 *
 *     ip link add vethX up master gangway0 type veth peer name eth0 address MAC netns C
 *     ip -n C address add 172.17.0.2/16 dev eth0; ip -n C link set eth0 up
 *     ip -n C route add default via 172.17.0.1
 *
 * There is no unplugging: the container's namespace takes both plugs with it.
 */
export function attach(network: BridgeNetwork, endpoint: Endpoint, sandbox: Sandbox): readonly Step[] {
  const place = inSandbox(sandbox);
  const { link, hostLink, mac } = endpoint;
  return [
    ...closedFamily(place, 'default', network.subnets),
    {
      kind: 'veth',
      in: 'host',
      name: hostLink,
      bridge: network.bridge,
      mtuBytes: network.mtuBytes,
      peer: { namespace: sandbox.namespace, name: link, index: firstIndex, mac },
      why: `a cable: one plug in ${network.bridge}, the other one is the container’s ${link}`,
    },
    {
      kind: 'hairpin',
      in: 'host',
      link: hostLink,
      why: 'a container may reach itself through a published port: the frame leaves by the port it came in by',
    },
    ...closedFamily('host', hostLink, network.subnets),
    ...endpoint.addresses.map(
      (prefix): Step => ({ kind: 'address', in: place, link, prefix, why: 'the container’s address' }),
    ),
    { kind: 'up', in: place, link, why: 'the cable is plugged in: from here on packets flow' },
    ...network.subnets.map(
      ({ gateway }): Step => ({
        kind: 'route',
        in: place,
        family: gateway.family,
        link,
        gateway,
        why: 'everything that is not on the switch goes to the gateway',
      }),
    ),
  ];
}

/** A network without IPv6 has none anywhere: a link-local address would be a way around every IPv4 rule. */
function closedFamily(
  place: 'host' | { readonly namespace: string },
  link: string,
  subnets: readonly Subnet[],
): readonly Step[] {
  if (subnets.some(({ subnet }) => subnet.address.family === 6)) return [];
  return [
    {
      kind: 'sysctl',
      in: place,
      key: `net/ipv6/conf/${link}/disable_ipv6`,
      value: '1',
      why: 'this network has no IPv6, so neither has this interface: no link-local address, no router advertisements',
    },
  ];
}
