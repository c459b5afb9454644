/**
 * What one socket carries.
 *
 * A port that is published on every address of both families takes one socket, not two. It is one of IPv6 that speaks IPv4,
 * too (IPV6_V6ONLY off), to which a client of IPv4 has an address like ::ffff:203.0.113.2:
 *
 *     0.0.0.0:8080 ──┐                    ┌── IPv4 ──> 172.17.0.2:80
 *                    ├── [::]:8080, both ─┤
 *        [::]:8080 ──┘                    └── IPv6 ──> [fd00::2]:80, or 172.17.0.2:80 where the container has no IPv6
 *
 * So ten thousand ports take ten thousand descriptors. It can be bound where both of the two could, and nowhere else.
 *
 * Of SCTP each family has its own. An association tells its client which addresses it may use besides, and those of IPv4 that a
 * client of IPv6 would try are led to the container, which knows nothing of it.
 *
 * @see IPV6_V6ONLY in ipv6(7), RFC 3493 section 3.7
 */
import type { Endpoint } from '../../sys/inet-socket.ts';
import { type Address, type Family, isUnspecified, unspecified } from '../../values/address.ts';
import { type ForwardSet, type PortPair, pairs, runs } from '../../values/forward-set.ts';
import { grouped } from '../../values/grouped.ts';
import type { Forward } from '../../values/port.ts';
import { present } from '../../values/present.ts';

/** What sockets have in common that differ in nothing but their ports. */
export interface Way extends Pick<ForwardSet, 'protocol' | 'hostAddress' | 'clientAddress' | 'near'> {
  /** It speaks both families. */
  readonly isShared: boolean;
  /** Where the clients of each family are led. */
  readonly targets: Readonly<Record<Family, Address>>;
}

export interface SocketForward extends PortPair {
  readonly way: Way;
}

/** Each port with a socket of its own, but for those of which one can serve two. */
export function share(sets: readonly ForwardSet[]): readonly SocketForward[] {
  const both = sets.filter(isWide(6)).flatMap((six) => {
    const four = sets.filter(isWide(4)).find((each) => areAlike(each, six));
    return four === undefined ? [] : [{ six, four, ports: common(four, six) }];
  });
  const alone = sets.flatMap((set) => {
    const shared = both.find(({ six, four }) => set === six || set === four)?.ports;
    return socketsOf(
      wayOf(set),
      pairs(set.ports).filter(({ hostPort }) => shared?.has(hostPort) !== true),
    );
  });
  return [...alone, ...both.flatMap(({ six, four, ports }) => socketsOf(wayOf(six, four), ports.values()))];
}

/** Those of one socket, IPv4 first. */
export function forwardsOf(socket: SocketForward): readonly Forward[] {
  return socket.way.isShared ? [forwardOf(socket, unspecified(4)), forwardOf(socket)] : [forwardOf(socket)];
}

/** @param hostAddress default: the one to which it is bound */
export function forwardOf({ way, ...ports }: SocketForward, hostAddress = way.hostAddress): Forward {
  const { protocol, clientAddress, near, targets } = way;
  const binding = { protocol, hostAddress, ...ports, ...present({ clientAddress }) };
  return { binding, target: targets[hostAddress.family], ...present({ near }) };
}

/** What all of them lead, by each of their families. */
export function setsOf(sockets: Iterable<SocketForward>): readonly ForwardSet[] {
  const byWay = grouped(sockets, ({ way }) => way);
  return [...byWay].flatMap(([{ protocol, hostAddress, clientAddress, near, isShared, targets }, pairs]) => {
    const ports = runs(pairs);
    const addresses = isShared ? [unspecified(4), hostAddress] : [hostAddress];
    return addresses.map((address) => {
      const target = targets[address.family];
      return { protocol, hostAddress: address, target, ports, ...present({ clientAddress, near }) };
    });
  });
}

/** Where a socket leads its clients. */
export type Destination = Pick<SocketForward, 'way' | 'containerPort'>;

export function targetOf({ way, containerPort }: Destination, family: Family): Endpoint {
  return { address: way.targets[family], port: containerPort };
}

function wayOf(set: ForwardSet, ipv4 = set): Way {
  const { protocol, hostAddress, clientAddress, near, target } = set;
  const targets = { 4: ipv4.target, 6: target };
  return { protocol, hostAddress, isShared: ipv4 !== set, targets, ...present({ clientAddress, near }) };
}

function socketsOf(way: Way, ports: Iterable<PortPair>): readonly SocketForward[] {
  return Array.from(ports, ({ hostPort, containerPort }) => ({ way, hostPort, containerPort }));
}

/** The ports that lead to the same from both, by the host's. */
function common(a: ForwardSet, b: ForwardSet): ReadonlyMap<number, PortPair> {
  const ofA = new Map(pairs(a.ports).map(({ hostPort, containerPort }) => [hostPort, containerPort]));
  const found = pairs(b.ports).filter(({ hostPort, containerPort }) => ofA.get(hostPort) === containerPort);
  return new Map(found.map((pair) => [pair.hostPort, pair]));
}

function isWide(family: Family): (set: ForwardSet) => boolean {
  return ({ protocol, hostAddress }) =>
    protocol !== 'sctp' && hostAddress.family === family && isUnspecified(hostAddress);
}

function areAlike(a: ForwardSet, b: ForwardSet): boolean {
  return a.protocol === b.protocol && a.clientAddress === b.clientAddress;
}
