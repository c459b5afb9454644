/** The model's half behind the routing: who may leave a network, who may enter one, and under which address. */
import { type Address, type Family, formatAddress, sameAddress } from '../../values/address.ts';
import { formatFirewallMark, matches } from '../../values/firewall-mark.ts';
import { formatPort } from '../../values/port-grammar.ts';
import { type Answer, type Dropped, dropped, type WayStep } from './answer.ts';
import { egressRefusal } from './egress.ts';
import type { Packet } from './packet.ts';
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

/** Sends it on by the link that the routes name, if the rules agree. */
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
  if (there === undefined) return `the machine has no way to ${formatAddress(to)}`;
  const network = topology.networks.find(({ name }) => name === there.network);
  return network?.policy.gatewayModes[to.family] === 'isolated'
    ? `network ${there.network} is isolated: the machine itself has no place on it`
    : `the machine has no ${familyName(to.family)} address on network ${there.network}, and no way to its containers`;
}

/** @returns the way so far, if it may go on */
function forward(topology: ModelTopology, crossing: Crossing): readonly WayStep[] | Dropped {
  const { packet, inNetwork, outNetwork } = crossing;
  const { to, way } = packet;
  if (inNetwork !== undefined && inNetwork === outNetwork) return turnAround(packet, inNetwork);
  if (!topology.forwarding.includes(to.family)) {
    return dropped('no-way', `the machine does not forward ${familyName(to.family)}`, way);
  }
  if (inNetwork === undefined && outNetwork === undefined) {
    if (!topology.closedTransit.includes(to.family)) return way;
    return dropped('transit', 'the machine forwards for its containers alone, and neither end is one', way);
  }
  const out = inNetwork === undefined ? way : leave(packet, inNetwork, outNetwork);
  if ('outcome' in out || outNetwork === undefined) return out;
  return enter(topology, { ...crossing, packet: { ...packet, way: out }, outNetwork });
}

/** Back into the network that it came from: through a published port that is always allowed, to who is behind the bridge. */
function turnAround({ source, way, translated }: Packet, network: ModelNetwork): readonly WayStep[] | Dropped {
  const { name, policy } = network;
  if (hasFamily(network, source.family) && !policy.internal && !isInSubnets(network, source)) {
    const sentence = `${formatAddress(source)} does not live on network ${name}, and nobody there may claim to be it`;
    return dropped('claim', sentence, way);
  }
  if (!translated && !policy.interContainer) {
    return dropped('apart', `containers of network ${name} may not talk to each other (enable_icc=false)`, way);
  }
  const sentence = policy.interContainer
    ? `it stays in network ${name}`
    : `containers of network ${name} reach each other by published ports alone, and this is one`;
  return [...way, { at: 'siblings', sentence }];
}

/** Nothing at all passes an internal or isolated network, or one without the family. */
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
  // What a name is said to be opens the world alone.
  const learned = translated || outNetwork !== undefined ? [] : network.learned;
  const mode = network.policy.gatewayModes[to.family];
  return (
    closed(network, to.family, way) ??
    egressRefusal(network, packet, learned) ?? [
      ...way,
      { at: 'leave', sentence: `network ${network.name} (${mode}) lets it out` },
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
    const step: WayStep = { at: 'enter', sentence: `network ${name} (${mode}) lets it in: ${because}` };
    return [...way, step];
  }
  return dropped('not-published', notPublished(topology, packet, outNetwork), way);
}

export function spoofed({ name }: ModelNetwork, { source, way }: Packet): Dropped {
  return dropped('claim', `${formatAddress(source)} lives on network ${name}, and nobody else may claim to be it`, way);
}

/** Why a network lets a packet in. */
function admission(
  topology: ModelTopology,
  { to, port, inLink = '', translated, mark }: Packet,
  { policy }: ModelNetwork,
) {
  if (translated) return 'it came by a published port';
  if (policy.acceptedMark !== undefined && matches(policy.acceptedMark, mark))
    return 'it carries the mark that is accepted';
  const open = port !== undefined && isPublished(topology, to, port);
  switch (policy.gatewayModes[to.family]) {
    case 'nat-unprotected':
      return 'every port is open';
    case 'routed':
      if (port === undefined) return 'a ping may enter';
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
    policy.acceptedMark === undefined
      ? ''
      : `, but for what carries the mark ${formatFirewallMark(policy.acceptedMark)}`;
  if (mode === 'routed') {
    return `network ${name} (routed) lets in pings and published ports of ${container} alone${unless}`;
  }
  return `network ${name} (${mode}) is entered by published ports of the machine alone, and not at the address of ${container}${unless}`;
}

/** The last thing before a packet leaves the machine: its source address. */
function leaveMachine(topology: ModelTopology, crossing: Crossing): Answer {
  const { packet, outLink, outNetwork } = crossing;
  const { source, to, port } = packet;
  const seen = mask(topology, crossing);
  if (seen === undefined) return dropped('no-way', `${outLink} has no address that it could lend`, packet.way);
  const masks: WayStep = {
    at: 'masks',
    sentence: `${formatAddress(seen)} takes the place of ${formatAddress(source)}`,
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
  if (own) return dropped('own-source', `${container} takes nothing from the wire that bears its own address`, way);
  return { outcome: 'reached', where: { kind: 'container', container, ...asked }, seen, way };
}

/** @returns undefined where it is to go under an address of the link, which has none */
function mask(topology: ModelTopology, { packet, outLink, inNetwork, outNetwork }: Crossing): Address | undefined {
  const { source, to, translated } = packet;
  const lent = () => hostAddressTowards(topology, outLink, to);
  if (outNetwork !== undefined && isInSubnets(outNetwork, source)) return translated ? lent() : source;
  if (inNetwork === undefined) return source;
  const { masquerade, gatewayModes, sourceAddresses } = inNetwork.policy;
  if (!masquerade || gatewayModes[source.family] === 'routed') return source;
  return sourceAddresses.find(({ family }) => family === source.family) ?? lent();
}
