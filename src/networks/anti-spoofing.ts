/**
 * Chapter 12: guard.
 *
 * Who is it that speaks? On a switch, whoever says so. A container that may open a raw socket, as Docker lets each, can say
 * that it is the gateway, or its neighbour, and the others believe it: their packets come to it.
 *
 *      container a --"172.17.0.1 is at my MAC"--> vethA | guard |   the bridge
 *                                                       |   x   |
 *      container a --"172.17.0.2 is at my MAC"--> vethA | ----> |-------------> vethB --> container b
 *
 * What comes out of a cable is known to come from one container, and of that one we know the MAC and the addresses, since
 * it was we who gave them. So the guard in front of the bridge (firewall/nftables/anti-spoofing.nft) lets through what names
 * these as its sender, and nothing else.
 *
 * A frame's way: out of eth0, into the machine by vethA, past the guard, and only then does the bridge learn from it where
 * a's MAC is, and send it on, to b or up into the machine.
 *
 * A container in several networks answers by its way out, wherever the question came in (chapter 7). So it may use each of
 * its addresses at all of its plugs, and what one plug may say changes when another one is plugged in or pulled.
 *
 * Where we differ from Docker: it has nothing like it. Who runs bridges or routers inside a container says
 * `-o gangway.guard=false` when creating its network.
 */
import { allowSender } from '../firewall/anti-spoofing.ts';
import type { ElementStep } from '../plan/step.ts';
import type { BridgeNetwork, Endpoint } from './bridge.ts';

/** A container's plug, and the network that it is in. */
export interface AttachedEndpoint {
  readonly network: Pick<BridgeNetwork, 'kind' | 'guarded'> | { readonly kind: 'macvlan' | 'ipvlan' };
  readonly endpoint: Endpoint;
}

export function hasAntiSpoofing(network: AttachedEndpoint['network']): boolean {
  return network.kind === 'bridge' && network.guarded !== false;
}

/** What the guard has to know of a container with these plugs. Before the cables are plugged in, and until they are out. */
export function allowSenders(plugs: readonly AttachedEndpoint[]): readonly ElementStep[] {
  const everywhere = plugs.flatMap(({ endpoint }) => endpoint.addresses);
  return plugs.flatMap(({ network, endpoint: { hostLink, mac, addresses, linkLocalAddresses = [] } }) => {
    if (hostLink === undefined || !hasAntiSpoofing(network)) return [];
    // Where a network has no IPv6, no word of it is said (chapter 1).
    const families = addresses.map(({ address }) => address.family);
    const own = [...everywhere, ...linkLocalAddresses].map(({ address }) => address);
    return allowSender({ hostLink: hostLink, mac, addresses: own.filter(({ family }) => families.includes(family)) });
  });
}
