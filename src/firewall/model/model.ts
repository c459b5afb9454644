/**
 * An executable model of the firewall's policy: which source reaches which destination, with which source address, and
 * why not.
 *
 * The model is written from the facts, not from the rules: it is a second statement of the policy. Tests compare the
 * model, the ruleset and real packets; `gangway reach` prints the model's answer.
 *
 *                       +------------------------- the host ----------------------------+
 *     external -------> | a host address? ----> published? ----yes--> other destination  |
 *     container ------> |   |no                      |no                    |            |
 *     container --+     |   v                        v                      v            |
 *       to a      |     | route                host_guard --> process    route           |
 *       sibling   |     |   |                    (switchboard: a new       |            |
 *                 |     |   +---> leave, enter    connection of the host) <-+            |
 *                 v     |              or transit --> masks --> container, or external   |
 *              bridge   +---------------------------------------------------------------+
 *
 * The model assumes that replies return on the path of the request. It does not know whether a process listens in the
 * container.
 *
 * @see nftables/ruleset.nft, whose chains name the steps
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
import { type Answer, dropped, formatDestination, type Packet, type WayStep } from './answer.ts';
import { egressRefusal, forwardPacket, proxyRefusal, spoofed } from './forwarding.ts';
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

/** Predicts the outcome of an attempt. */
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

/** From the bridge to the host, if the host has an address there. */
function climb(topology: ModelTopology, packet: Packet, network: string): Answer {
  const { policy } = networkNamed(topology, network);
  const { family } = packet.to;
  const stands = hostAddressTowards(topology, policy.bridge, unspecified(family)) !== undefined;
  if (stands || policy.gatewayModes[family] === 'isolated') return arrive(topology, packet);
  const sentence = `the host has no ${familyName(family)} address on network ${network}, and does not forward for it`;
  return dropped('no-way', sentence, packet.way);
}

/** To a container on the same bridge: the host's rules apply only if containers are kept apart. */
function acrossBridge(topology: ModelTopology, { source, to, port, way }: Packet, network: string): Answer {
  const there = endpointAt(topology, to);
  if (there?.network !== network) return nobody(to, network, way);
  if (!networkNamed(topology, network).policy.interContainer) {
    return dropped('apart', `containers of network ${network} may not talk to each other (enable_icc=false)`, way);
  }
  const step: WayStep = { at: 'bridge', sentence: `the bridge of network ${network} forwards the frame` };
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

/** Receives a packet from a link or a bridge. */
function arrive(topology: ModelTopology, packet: Packet): Answer {
  const { to, source, port, inLink } = packet;
  if (isLoopback(to) || isLoopback(source)) {
    return dropped(
      'loopback',
      `${formatAddress(isLoopback(to) ? to : source)} is valid only inside one host`,
      packet.way,
    );
  }
  const refused = spoofedSource(topology, packet);
  if (refused !== undefined) return refused;
  if (!isHostAddress(topology, to)) return forwardPacket(topology, packet);
  const oneWire = source.family === 6 && isLinkLocal(source);
  const published = oneWire ? undefined : translation(topology, to, port);
  if (published !== undefined) return forwardPacket(topology, translate(packet, published, 'from_outside'));
  return guard(topology, packet, inLink);
}

/** Drops spoofed sources: an external client as a container, a container as the host or as one of another network. */
function spoofedSource(topology: ModelTopology, packet: Packet): Answer | undefined {
  const { source, inLink, way } = packet;
  const [home, pretended] = [networkOn(topology, inLink), networkOf(topology, source)];
  if (home !== undefined && isHostAddress(topology, source))
    return dropped(
      'claim',
      `${formatAddress(source)} is an address of the host, so a packet from a container is spoofed`,
      way,
    );
  if (pretended === undefined) return undefined;
  if (home === undefined) return routeLink(topology, source) === inLink ? undefined : spoofed(pretended, packet);
  const { guarded, internal } = home.policy;
  // Anti-spoofing has checked the source already; nothing leaves an internal network.
  return guarded || internal || isInSubnets(home, source) ? undefined : spoofed(pretended, packet);
}

function fromHost(topology: ModelTopology, attempt: By<'host'>): Answer {
  const { from, to, port } = attempt;
  const local = isHostAddress(topology, to);
  const link = routeLink(topology, to);
  const source =
    from.source ?? (local ? ownSource(to) : link === undefined ? undefined : hostAddressTowards(topology, link, to));
  if (source === undefined) {
    return dropped('no-way', `the host has no route to ${formatAddress(to)}`, []);
  }
  const packet = packetOf(attempt, source, undefined);
  if (!local) return sendFromHost(topology, packet);
  const stays = isLoopback(source) || isLoopback(to) || port?.protocol === 'sctp';
  const published = stays ? undefined : translation(topology, to, port);
  if (published !== undefined) return forwardPacket(topology, translate(packet, published, 'from_host'));
  return deliver(topology, packet);
}

/** The host's own packets are not filtered, but the reply must be able to return. */
function sendFromHost(topology: ModelTopology, packet: Packet): Answer {
  const { source, to } = packet;
  if (isLoopback(source)) {
    return dropped('loopback', `a packet from ${formatAddress(source)} does not leave the host`, []);
  }
  const link = routeLink(topology, to);
  const network = networkOn(topology, link);
  if (link === undefined || network?.policy.internal !== true || isLinkAddress(topology, link, source))
    return forwardPacket(topology, packet);
  const sentence = `network ${network.name} is internal: its containers reply only to the gateway’s address, not to ${formatAddress(source)}`;
  return dropped('other-address', sentence, []);
}

/** A connection to an own address uses that address as the source; to 127.0.0.0/8, the first one. */
function ownSource(to: Address): Address {
  return isLoopback(to) && to.family === 4 ? { family: 4, value: 0x7f000001n } : to;
}

/** The published port to which the kernel translates: of one family, on a network with host ports. */
function translation(topology: ModelTopology, to: Address, port: Port | undefined): Publication | undefined {
  if (port === undefined) return undefined;
  const led = topology.publications.filter(
    ({ forward: { binding, target } }) => isTranslated(binding, target) && takesPort(topology, target),
  );
  return publicationOf(led, to, port);
}

/** Routed and isolated networks have no host ports. */
function takesPort(topology: ModelTopology, target: Address): boolean {
  const at = endpointAt(topology, target);
  const mode = at === undefined ? undefined : networkNamed(topology, at.network).policy.gatewayModes[target.family];
  return mode === 'nat' || mode === 'nat-unprotected';
}

function translate(packet: Packet, { forward: { binding, target } }: Publication, at: WayStep['at']): Packet {
  const port = { protocol: binding.protocol, port: binding.containerPort };
  const sentence = `published: ${formatBinding(binding)} is translated to ${formatDestination(target, port)}`;
  const asked = { address: packet.to, port: packet.port };
  return { ...packet, to: target, port, translated: true, asked, way: [...packet.way, { at, sentence }] };
}

/** Applies the policy for packets to the host itself. */
function guard(topology: ModelTopology, packet: Packet, inLink: string | undefined): Answer {
  const network = networkOn(topology, inLink);
  if (network === undefined || inLink === undefined) return deliver(topology, packet);
  const { policy, name } = network;
  const { to, port, way } = packet;
  if (policy.gatewayModes[to.family] === 'isolated') {
    return dropped('isolated', `network ${name} is isolated: its containers reach no address of the host`, way);
  }
  if (!policy.internal) {
    const carried = carrier(topology, to, port) === undefined ? undefined : proxyRefusal(network, packet);
    return carried ?? egressRefusal(network, packet) ?? deliver(topology, packet);
  }
  if (!isLinkAddress(topology, inLink, to)) {
    const sentence = `network ${name} is internal: its containers reach no address of the host except the gateway`;
    return dropped('other-address', sentence, way);
  }
  if (carrier(topology, to, port) !== undefined) {
    return dropped(
      'internal',
      `network ${name} is internal, and the port is published by a container of another network`,
      way,
    );
  }
  const sentence = `network ${name} is internal, and ${formatAddress(to)} is its gateway’s address`;
  return deliver(topology, { ...packet, way: [...way, { at: 'host_guard', sentence }] });
}

/** To a process of the host. The switchboard opens a second connection. */
function deliver(topology: ModelTopology, packet: Packet): Answer {
  const { source, to, port, way } = packet;
  const carried = topology.switchboard ? carrier(topology, to, port) : undefined;
  if (carried === undefined) {
    const where = { kind: 'host', address: to, ...(port === undefined ? {} : { port }) } as const;
    return { outcome: 'reached', where, seen: source, way };
  }
  const { binding, target, near } = carried.forward;
  const further = { protocol: binding.protocol, port: binding.containerPort };
  const sentence = `the switchboard proxies ${formatBinding(binding)} to ${formatDestination(target, further)}`;
  const answer = fromHost(topology, { from: { kind: 'host' }, to: target, port: further });
  const shown = binding.clientAddress === 'transparent' ? transparentSource(source, target, near) : undefined;
  const seen = answer.outcome === 'reached' && shown !== undefined ? { seen: shown } : {};
  return { ...answer, ...seen, way: [...way, { at: 'switchboard', sentence }, ...answer.way] };
}

/** The published port of a switchboard socket. */
function carrier(topology: ModelTopology, to: Address, port: Port | undefined): Publication | undefined {
  if (port === undefined) return undefined;
  const held = topology.publications.filter(({ forward: { target } }) => takesPort(topology, target));
  return publicationOf(held, to, port);
}
