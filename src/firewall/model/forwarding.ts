/** The model's forwarding half: what may leave and enter a network, and with which source address. */

import { type Address, type Family, formatAddress, sameAddress } from '../../values/address.ts';
import { type EgressEntry, entryFor } from '../../values/egress.ts';
import { formatEntry } from '../../values/egress-grammar.ts';
import { formatFirewallMark, matches } from '../../values/firewall-mark.ts';
import { formatPort } from '../../values/port-grammar.ts';
import { type Answer, type Dropped, dropped, type Packet, type WayStep } from './answer.ts';
import {
  endpointAt,
  familyName,
  hasFamily,
  hostAddressTowards,
  isInSubnets,
  isPublished,
  type ModelNetwork,
  type ModelTopology,
  networkOn,
  routeLink,
} from './topology.ts';

interface Crossing {
  readonly packet: Packet;
  readonly outLink: string;
  readonly inNetwork: ModelNetwork | undefined;
  readonly outNetwork: ModelNetwork | undefined;
}

/** Routes the packet and applies the forwarding policy. */
export function forwardPacket(topology: ModelTopology, packet: Packet): Answer {
  const { to, inLink, way } = packet;
  const outLink = routeLink(topology, to);
  const there = endpointAt(topology, to);
  const outNetwork = networkOn(topology, outLink);
  if (outLink === undefined || (there !== undefined && there.network !== outNetwork?.name)) {
    return dropped('no-way', noWay(topology, to), way);
  }
  const crossing = { packet, outLink, inNetwork: networkOn(topology, inLink), outNetwork };
  const verdict = inLink === undefined ? way : forward(topology, crossing);
  if ('outcome' in verdict) return verdict;
  return leaveMachine(topology, { ...crossing, packet: { ...packet, way: verdict } });
}

function noWay(topology: ModelTopology, to: Address): string {
  const there = endpointAt(topology, to);
  if (there === undefined) return `the host has no route to ${formatAddress(to)}`;
  const network = topology.networks.find(({ name }) => name === there.network);
  return network?.policy.gatewayModes[to.family] === 'isolated'
    ? `network ${there.network} is isolated: the host has no address on it`
    : `the host has no ${familyName(to.family)} address on network ${there.network}, and no route to its containers`;
}

/** @returns the path so far if the packet is accepted */
function forward(topology: ModelTopology, crossing: Crossing): readonly WayStep[] | Dropped {
  const { packet, inNetwork, outNetwork } = crossing;
  const { to, way } = packet;
  if (inNetwork !== undefined && inNetwork === outNetwork) return turnAround(packet, inNetwork);
  if (!topology.forwarding.includes(to.family)) {
    return dropped('no-way', `the host does not forward ${familyName(to.family)}`, way);
  }
  if (inNetwork === undefined && outNetwork === undefined) {
    if (!topology.closedTransit.includes(to.family)) return way;
    return dropped('transit', 'the host forwards only for containers, and neither end is one', way);
  }
  const out = inNetwork === undefined ? way : leave(packet, inNetwork, outNetwork);
  if ('outcome' in out || outNetwork === undefined) return out;
  return enter(topology, { ...crossing, packet: { ...packet, way: out }, outNetwork });
}

/** Back into the packet's own network: through a published port always, for sources of that network. */
function turnAround({ source, way, translated }: Packet, network: ModelNetwork): readonly WayStep[] | Dropped {
  const { name, policy } = network;
  if (hasFamily(network, source.family) && !policy.internal && !isInSubnets(network, source)) {
    const sentence = `${formatAddress(source)} is not an address of network ${name}, so a packet from there is spoofed`;
    return dropped('claim', sentence, way);
  }
  if (!translated && !policy.interContainer) {
    return dropped('apart', `containers of network ${name} may not talk to each other (enable_icc=false)`, way);
  }
  const sentence = policy.interContainer
    ? `the packet stays in network ${name}`
    : `containers of network ${name} reach each other only through published ports, and this port is published`;
  return [...way, { at: 'siblings', sentence }];
}

/** Nothing passes an internal or isolated network, or one without the family. */
function closed(network: ModelNetwork, family: Family, way: readonly WayStep[]): Dropped | undefined {
  const { name, policy } = network;
  if (!hasFamily(network, family)) return dropped('no-family', `network ${name} has no ${familyName(family)}`, way);
  if (policy.gatewayModes[family] === 'isolated') {
    return dropped('isolated', `network ${name} is isolated: nothing enters it, and nothing leaves it`, way);
  }
  if (policy.internal) {
    return dropped('internal', `network ${name} is internal: nothing enters it, and nothing leaves it`, way);
  }
  return undefined;
}

function leave(packet: Packet, network: ModelNetwork, outNetwork?: ModelNetwork): readonly WayStep[] | Dropped {
  const { to, way, translated } = packet;
  // Addresses learned from DNS open external destinations only.
  const learned = translated || outNetwork !== undefined ? [] : network.learned;
  const mode = network.policy.gatewayModes[to.family];
  return (
    closed(network, to.family, way) ??
    egressRefusal(network, packet, learned) ?? [
      ...way,
      { at: 'leave', sentence: `network ${network.name} (${mode}) lets the packet leave` },
    ]
  );
}

function enter(topology: ModelTopology, { packet, outNetwork }: Crossing & { readonly outNetwork: ModelNetwork }) {
  const { name, policy } = outNetwork;
  const { source, to, way } = packet;
  const refusal = closed(outNetwork, to.family, way);
  if (refusal !== undefined) return refusal;
  if (isInSubnets(outNetwork, source)) return spoofed(outNetwork, packet);
  const mode = policy.gatewayModes[to.family];
  const because = admission(topology, packet, outNetwork);
  if (because !== undefined) {
    const step: WayStep = { at: 'enter', sentence: `network ${name} (${mode}) lets the packet enter: ${because}` };
    return [...way, step];
  }
  return dropped('not-published', notPublished(topology, packet, outNetwork), way);
}

export function spoofed({ name }: ModelNetwork, { source, way }: Packet): Dropped {
  return dropped(
    'claim',
    `${formatAddress(source)} is an address of network ${name}, so a packet from elsewhere is spoofed`,
    way,
  );
}

function admission(
  topology: ModelTopology,
  { to, port, inLink = '', translated, mark }: Packet,
  { policy }: ModelNetwork,
) {
  if (translated) return 'its port is published';
  if (policy.acceptedMark !== undefined && matches(policy.acceptedMark, mark)) return 'it has the accepted mark';
  const open = port !== undefined && isPublished(topology, to, port);
  switch (policy.gatewayModes[to.family]) {
    case 'nat-unprotected':
      return 'every port is open';
    case 'routed':
      if (port === undefined) return 'pings may enter';
      return open ? `${formatPort(port)} is published` : undefined;
    case 'nat':
      return open && policy.trustedLinks.includes(inLink)
        ? `${formatPort(port)} is published, and ${inLink} is trusted`
        : undefined;
    case 'isolated':
      return undefined;
  }
}

function notPublished(topology: ModelTopology, { to }: Packet, { name, policy }: ModelNetwork): string {
  const container = endpointAt(topology, to)?.container ?? formatAddress(to);
  const mode = policy.gatewayModes[to.family];
  const unless =
    policy.acceptedMark === undefined ? '' : `, except packets with mark ${formatFirewallMark(policy.acceptedMark)}`;
  if (mode === 'routed') {
    return `network ${name} (routed) accepts only pings and published ports of ${container}${unless}`;
  }
  return `network ${name} (${mode}) accepts connections only through published ports of the host, not at the address of ${container}${unless}`;
}

/** Chooses the source address, the last step before a packet leaves the host. */
function leaveMachine(topology: ModelTopology, crossing: Crossing): Answer {
  const { packet, outLink, outNetwork } = crossing;
  const { source, to, port } = packet;
  const seen = mask(topology, crossing);
  if (seen === undefined) return dropped('no-way', `${outLink} has no address for outgoing packets`, packet.way);
  const masks: WayStep = {
    at: 'masks',
    sentence: `${formatAddress(seen)} replaces the source ${formatAddress(source)}`,
  };
  const way = sameAddress(seen, source) ? packet.way : [...packet.way, masks];
  const asked = { address: to, ...(port === undefined ? {} : { port }) };
  if (outNetwork === undefined)
    return { outcome: 'reached', where: { kind: 'outside', link: outLink, ...asked }, seen, way };
  const there = endpointAt(topology, to);
  if (there === undefined) {
    return dropped('nobody', `no container of network ${outNetwork.name} has the address ${formatAddress(to)}`, way);
  }
  const { container } = there;
  const own = topology.endpoints.some(
    (each) => each.container === container && each.addresses.some((a) => sameAddress(a, seen)),
  );
  if (own)
    return dropped('own-source', `${container} drops packets from the network with its own address as the source`, way);
  return { outcome: 'reached', where: { kind: 'container', container, ...asked }, seen, way };
}

/** @returns undefined where the link lacks an address to use */
function mask(topology: ModelTopology, { packet, outLink, inNetwork, outNetwork }: Crossing): Address | undefined {
  const { source, to, translated } = packet;
  const lent = () => hostAddressTowards(topology, outLink, to);
  if (outNetwork !== undefined && isInSubnets(outNetwork, source)) return translated ? lent() : source;
  if (inNetwork === undefined) return source;
  const { masquerade, gatewayModes, sourceAddresses } = inNetwork.policy;
  if (!masquerade || gatewayModes[source.family] === 'routed') return source;
  return sourceAddresses.find(({ family }) => family === source.family) ?? lent();
}

/** The number of entries that a sentence lists. */
const listedEntries = 5;

/**
 * Applies the egress policy: a denied entry matches the destination before or after translation, an allowed one only
 * the former.
 *
 * @param learned addresses allowed besides, from DNS answers
 * @returns undefined if the packet may leave
 */
export function egressRefusal(
  { name, policy: { egress } }: ModelNetwork,
  packet: Packet,
  learned: readonly EgressEntry[] = [],
): Dropped | undefined {
  if (egress === undefined) return undefined;
  const real = { address: packet.to, port: packet.port };
  const { asked = real, way } = packet;
  const denied = entryFor(egress.deny, asked) ?? entryFor(egress.deny, real);
  if (denied !== undefined) {
    return dropped('egress', `network ${name} denies connections to ${formatEntry(denied)}`, way);
  }
  if (egress.allow.length === 0 || entryFor([...egress.allow, ...learned], asked) !== undefined) return undefined;
  const named = egress.allow.some(({ kind }) => kind === 'name') ? ', where names count once they are resolved' : '';
  return dropped('egress', `network ${name} allows connections only to ${formatList(egress.allow)}${named}`, way);
}

/** A limited network may not use the switchboard's proxy, because the rules can't see the proxy's destination. */
export function proxyRefusal({ name, policy: { egress } }: ModelNetwork, { way }: Packet): Dropped | undefined {
  if (egress === undefined) return undefined;
  const sentence = `network ${name} has an egress policy, and may not use ports that a process of the host proxies`;
  return dropped('egress', sentence, way);
}

function formatList(entries: readonly EgressEntry[]): string {
  const more = entries.length - listedEntries;
  const some = entries.slice(0, listedEntries).map(formatEntry).join(', ');
  return more > 0 ? `${some} and ${more} more` : some;
}
