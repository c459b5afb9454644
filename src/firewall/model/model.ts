/**
 * An executable model of the firewall's policy: who reaches whom, under which source address, and why not.
 *
 * It is written from the facts, not from the rules, and so is one more statement of the same policy, beside the ruleset
 * and its elements. Tests send real packets and hold the three against each other; `gangway reach` asks it.
 *
 *                       +------------------------- the machine -------------------------+
 *     outside --------> | one of its addresses? -- published? --yes--> other destination |
 *     container ------> |   |no                      |no                    |            |
 *     container --+     |   v                        v                      v            |
 *       to a      |     | route                host_guard --> process    route           |
 *       sibling   |     |   |                    (switchboard: begins     |            |
 *                 |     |   +---> leave, enter    anew, as the host)  <---+            |
 *                 v     |              or transit --> masks --> container, or outside  |
 *              bridge   +---------------------------------------------------------------+
 *
 * It knows one thing about time: an answer comes back the way its question went. Whether the container lets it in, and a
 * process listens there, it does not ask.
 *
 * @see nftables/ruleset.nft, whose chains give the steps their names
 */
import {
  type Address,
  formatAddress,
  isLinkLocal,
  isLoopback,
  sameAddress,
  unspecified,
} from '../../values/address.ts';
import { isTranslated, type Port, transparentSource } from '../../values/port.ts';
import { formatBinding } from '../../values/port-grammar.ts';
import { type Answer, dropped, formatDestination, type WayStep } from './answer.ts';
import { egressRefusal, proxyRefusal } from './egress.ts';
import { forwardPacket, spoofed } from './forwarding.ts';
import type { Packet } from './packet.ts';
import {
  type Attempt,
  endpointAt,
  familyName,
  hostAddressTowards,
  isHostAddress,
  isInSubnets,
  isLinkAddress,
  type ModelTopology,
  networkNamed,
  networkOf,
  networkOn,
  type Origin,
  type Publication,
  publicationOf,
  routeLink,
} from './topology.ts';

/** What becomes of an attempt. */
export function evaluate(topology: ModelTopology, attempt: Attempt): Answer {
  const { from } = attempt;
  if (from.kind === 'host') return fromHost(topology, { ...attempt, from });
  if (from.kind === 'container') return fromContainer(topology, { ...attempt, from });
  return arrive(topology, packetOf(attempt, from.source, from.link));
}

function packetOf({ to, port, mark = 0 }: Attempt, source: Address, inLink: string | undefined): Packet {
  return { source, to, port, mark, inLink, translated: false, way: [] };
}

type By<Kind extends Origin['kind']> = Attempt & { readonly from: Extract<Origin, { kind: Kind }> };

function fromContainer(topology: ModelTopology, attempt: By<'container'>): Answer {
  const { from, to, port } = attempt;
  const { container, network: name } = from;
  const network = networkNamed(topology, name);
  const own = topology.endpoints
    .filter((endpoint) => endpoint.container === container)
    .flatMap(({ addresses }) => addresses);
  if (isLoopback(to) || own.some((address) => sameAddress(address, to))) {
    const where = { kind: 'container', container, address: to, ...(port === undefined ? {} : { port }) } as const;
    return { outcome: 'reached', where, seen: to, way: [] };
  }
  const usual = topology.endpoints
    .filter((endpoint) => endpoint.container === container && endpoint.network === name)
    .flatMap(({ addresses }) => addresses)
    .find(({ family }) => family === to.family);
  const source = from.source ?? usual;
  if (source === undefined) {
    return dropped('no-family', `${container} has no ${familyName(to.family)} address on network ${name}`, []);
  }
  const { bridge } = network.policy;
  const packet = packetOf(attempt, source, bridge);
  if (!isInSubnets(network, to) || isLinkAddress(topology, bridge, to)) return climb(topology, packet, name);
  return acrossBridge(topology, packet, name);
}

/** From the bridge into the machine, if that has a place on it. Where it has none, the rules say so themselves. */
function climb(topology: ModelTopology, packet: Packet, network: string): Answer {
  const { policy } = networkNamed(topology, network);
  const { family } = packet.to;
  const stands = hostAddressTowards(topology, policy.bridge, unspecified(family)) !== undefined;
  if (stands || policy.gatewayModes[family] === 'isolated') return arrive(topology, packet);
  const sentence = `the machine has no ${familyName(family)} address on network ${network}, and passes nothing on for it`;
  return dropped('no-way', sentence, packet.way);
}

/** To a neighbour on the same switch: the machine is not asked, unless containers are kept apart. */
function acrossBridge(topology: ModelTopology, { source, to, port, way }: Packet, network: string): Answer {
  const there = endpointAt(topology, to);
  if (there?.network !== network) return nobody(to, network, way);
  if (!networkNamed(topology, network).policy.interContainer) {
    return dropped('apart', `containers of network ${network} may not talk to each other (enable_icc=false)`, way);
  }
  const step: WayStep = { at: 'bridge', sentence: `network ${network} carries it from plug to plug` };
  const where = {
    kind: 'container',
    container: there.container,
    address: to,
    ...(port === undefined ? {} : { port }),
  } as const;
  return { outcome: 'reached', where, seen: source, way: [...way, step] };
}

function nobody(to: Address, network: string, way: readonly WayStep[]): Answer {
  return dropped('nobody', `no container of network ${network} has the address ${formatAddress(to)}`, way);
}

/** From a wire or from a bridge. */
function arrive(topology: ModelTopology, packet: Packet): Answer {
  const { to, source, port, inLink } = packet;
  if (isLoopback(to) || isLoopback(source)) {
    return dropped(
      'loopback',
      `${formatAddress(isLoopback(to) ? to : source)} is good inside one machine alone`,
      packet.way,
    );
  }
  const refused = imposture(topology, packet);
  if (refused !== undefined) return refused;
  if (!isHostAddress(topology, to)) return forwardPacket(topology, packet);
  const oneWire = source.family === 6 && isLinkLocal(source);
  const published = oneWire ? undefined : translation(topology, to, port);
  if (published !== undefined) return forwardPacket(topology, translate(packet, published, 'from_outside'));
  return guard(topology, packet, inLink);
}

/** On a wire nobody is a container, and no container is the machine or one of another network. */
function imposture(topology: ModelTopology, packet: Packet): Answer | undefined {
  const { source, inLink, way } = packet;
  const [home, pretended] = [networkOn(topology, inLink), networkOf(topology, source)];
  if (home !== undefined && isHostAddress(topology, source))
    return dropped('claim', `${formatAddress(source)} is the machine’s own, and no container may claim to be it`, way);
  if (pretended === undefined) return undefined;
  if (home === undefined) return routeLink(topology, source) === inLink ? undefined : spoofed(pretended, packet);
  const { guarded, internal } = home.policy;
  // What a guard lets through is the container's own. Out of an internal network nothing is begun.
  return guarded || internal || isInSubnets(home, source) ? undefined : spoofed(pretended, packet);
}

function fromHost(topology: ModelTopology, attempt: By<'host'>): Answer {
  const { from, to, port } = attempt;
  const local = isHostAddress(topology, to);
  const link = routeLink(topology, to);
  const source =
    from.source ?? (local ? atHome(to) : link === undefined ? undefined : hostAddressTowards(topology, link, to));
  if (source === undefined) {
    return dropped('no-way', `the machine has no way to ${formatAddress(to)}`, []);
  }
  const packet = packetOf(attempt, source, undefined);
  if (!local) return setOut(topology, packet);
  const stays = isLoopback(source) || isLoopback(to) || port?.protocol === 'sctp';
  const published = stays ? undefined : translation(topology, to, port);
  if (published !== undefined) return forwardPacket(topology, translate(packet, published, 'from_host'));
  return deliver(topology, packet);
}

/** From the machine nothing is filtered; but the answer must come home. */
function setOut(topology: ModelTopology, packet: Packet): Answer {
  const { source, to } = packet;
  if (isLoopback(source)) {
    return dropped('loopback', `a packet from ${formatAddress(source)} does not leave the machine`, []);
  }
  const link = routeLink(topology, to);
  const network = networkOn(topology, link);
  if (link === undefined || network?.policy.internal !== true || isLinkAddress(topology, link, source))
    return forwardPacket(topology, packet);
  const sentence = `network ${network.name} is internal: its containers answer the gateway’s address alone, and not ${formatAddress(source)}`;
  return dropped('other-address', sentence, []);
}

/** Whoever asks an address of its own asks from that one; from 127.0.0.0/8, from the first. */
function atHome(to: Address): Address {
  return isLoopback(to) && to.family === 4 ? { family: 4, value: 0x7f000001n } : to;
}

/** The published port that the kernel itself leads to: of one family, on a network that has ports of the machine. */
function translation(topology: ModelTopology, to: Address, port: Port | undefined): Publication | undefined {
  if (port === undefined) return undefined;
  const led = topology.publications.filter(
    ({ forward: { binding, target } }) => isTranslated(binding, target) && takesPort(topology, target),
  );
  return publicationOf(led, to, port);
}

/** In a routed network, and in an isolated one, no port of the machine leads anywhere. */
function takesPort(topology: ModelTopology, target: Address): boolean {
  const at = endpointAt(topology, target);
  const mode = at === undefined ? undefined : networkNamed(topology, at.network).policy.gatewayModes[target.family];
  return mode === 'nat' || mode === 'nat-unprotected';
}

function translate(packet: Packet, { forward: { binding, target } }: Publication, at: WayStep['at']): Packet {
  const port = { protocol: binding.protocol, port: binding.containerPort };
  const sentence = `published: ${formatBinding(binding)} leads to ${formatDestination(target, port)}`;
  const asked = { address: packet.to, port: packet.port };
  return { ...packet, to: target, port, translated: true, asked, way: [...packet.way, { at, sentence }] };
}

/** What containers see of the machine itself. */
function guard(topology: ModelTopology, packet: Packet, inLink: string | undefined): Answer {
  const network = networkOn(topology, inLink);
  if (network === undefined || inLink === undefined) return deliver(topology, packet);
  const { policy, name } = network;
  const { to, port, way } = packet;
  if (policy.gatewayModes[to.family] === 'isolated') {
    return dropped('isolated', `network ${name} is isolated: its containers see nothing of the machine`, way);
  }
  if (!policy.internal) {
    const carried = carrier(topology, to, port) === undefined ? undefined : proxyRefusal(network, packet);
    return carried ?? egressRefusal(network, packet) ?? deliver(topology, packet);
  }
  if (!isLinkAddress(topology, inLink, to)) {
    const sentence = `network ${name} is internal: of the machine, its containers see the gateway’s address alone`;
    return dropped('other-address', sentence, way);
  }
  if (carrier(topology, to, port) !== undefined) {
    return dropped('internal', `network ${name} is internal, and what is published there is in another one`, way);
  }
  const sentence = `network ${name} is internal, and ${formatAddress(to)} is its gateway’s address`;
  return deliver(topology, { ...packet, way: [...way, { at: 'host_guard', sentence }] });
}

/** To a process of the machine. If that is the switchboard, a second connection begins there. */
function deliver(topology: ModelTopology, packet: Packet): Answer {
  const { source, to, port, way } = packet;
  const carried = topology.switchboard ? carrier(topology, to, port) : undefined;
  if (carried === undefined) {
    const where = { kind: 'host', address: to, ...(port === undefined ? {} : { port }) } as const;
    return { outcome: 'reached', where, seen: source, way };
  }
  const { binding, target, near } = carried.forward;
  const further = { protocol: binding.protocol, port: binding.containerPort };
  const sentence = `a socket on ${formatBinding(binding)} carries it to ${formatDestination(target, further)}`;
  const answer = fromHost(topology, { from: { kind: 'host' }, to: target, port: further });
  const shown = binding.clientAddress === 'transparent' ? transparentSource(source, target, near) : undefined;
  const seen = answer.outcome === 'reached' && shown !== undefined ? { seen: shown } : {};
  return { ...answer, ...seen, way: [...way, { at: 'switchboard', sentence }, ...answer.way] };
}

/** The published port whose socket this is. */
function carrier(topology: ModelTopology, to: Address, port: Port | undefined): Publication | undefined {
  if (port === undefined) return undefined;
  const held = topology.publications.filter(({ forward: { target } }) => takesPort(topology, target));
  return publicationOf(held, to, port);
}
