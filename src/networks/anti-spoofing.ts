/**
 * Chapter 11: anti-spoofing.
 *
 * On a bridge, a container with NET_RAW, which Docker grants by default, can send frames with any source: the gateway's
 * address or another container's. The others believe them, and their packets go to the attacker.
 *
 *      container a --"172.17.0.1 is at my MAC"--> vethA | check |   the bridge
 *                                                       |   x   |
 *      container a --"172.17.0.2 is at my MAC"--> vethA | ----> |-------------> vethB --> container b
 *
 * Each veth belongs to one container, and gangway assigned that container's MAC and addresses. So rules in front of the
 * bridge (firewall/nftables/anti-spoofing.nft) accept only frames with these as the sender. The bridge learns a MAC
 * only from accepted frames.
 *
 * A container in several networks replies through its default route, whichever network a request came from (chapter 6).
 * So it may use all its addresses on each of its endpoints, and the allowed addresses change with each connect and
 * disconnect.
 *
 * Docker has no such check. A network for containers that run bridges or routers turns it off: `-o
 * gangway.guard=false`.
 */
import { allowSender } from '../firewall/anti-spoofing.ts';
import type { ElementStep } from '../plan/step.ts';
import type { BridgeNetwork, Endpoint } from './bridge.ts';

/** An endpoint of a running container, with its network. */
export interface AttachedEndpoint {
  readonly network: Pick<BridgeNetwork, 'kind' | 'guarded'> | { readonly kind: 'macvlan' | 'ipvlan' };
  readonly endpoint: Endpoint;
}

export function hasAntiSpoofing(network: AttachedEndpoint['network']): boolean {
  return network.kind === 'bridge' && network.guarded !== false;
}

/** The elements for a container with these endpoints. They exist before the veths and until the veths are removed. */
export function allowSenders(attached: readonly AttachedEndpoint[]): readonly ElementStep[] {
  const everywhere = attached.flatMap(({ endpoint }) => endpoint.addresses);
  return attached.flatMap(({ network, endpoint: { hostLink, mac, addresses, linkLocalAddresses = [] } }) => {
    if (hostLink === undefined || !hasAntiSpoofing(network)) return [];
    // A network without IPv6 allows no IPv6 senders (chapter 1).
    const families = addresses.map(({ address }) => address.family);
    const own = [...everywhere, ...linkLocalAddresses].map(({ address }) => address);
    return allowSender({ hostLink: hostLink, mac, addresses: own.filter(({ family }) => families.includes(family)) });
  });
}
