/**
 * The forwards of one socket.
 *
 * A port that is published on all addresses of both families takes one socket instead of two: an IPv6 socket that accepts IPv4 as well
 * (IPV6_V6ONLY off), to which an IPv4 client has an address like ::ffff:203.0.113.2:
 *
 *     0.0.0.0:8080 ──┐                          ┌── IPv4 ──> 172.17.0.2:80
 *                    ├── [::]:8080, dual-stack ─┤
 *        [::]:8080 ──┘                          └── IPv6 ──> [fd00::2]:80, or 172.17.0.2:80 if the container has no IPv6
 *
 * So ten thousand ports take ten thousand descriptors. The dual-stack socket can be bound exactly where both sockets could.
 *
 * SCTP has a socket for each family. An SCTP server tells an IPv6 client its IPv4 addresses as well; the firewall would translate
 * packets to those and send them to the container, which does not know the association.
 *
 * @see IPV6_V6ONLY in ipv6(7), RFC 3493 section 3.7
 */
import type { Endpoint } from '../../sys/inet-socket.ts';
import { type Address, type Family, isUnspecified, unspecified } from '../../values/address.ts';
import { type ForwardSet, type PortPair, pairs, runs } from '../../values/forward-set.ts';
import { grouped } from '../../values/grouped.ts';
import type { Forward } from '../../values/port.ts';
import { present } from '../../values/present.ts';

/** The common part of sockets that differ only in their ports. */
export interface ForwardGroup extends Pick<ForwardSet, 'protocol' | 'hostAddress' | 'clientAddress' | 'near'> {
  /** The socket serves clients of both families. */
  readonly isDualStack: boolean;
  /** The container's address for the clients of each family. */
  readonly targets: Readonly<Record<Family, Address>>;
}

export interface SocketForward extends PortPair {
  readonly group: ForwardGroup;
}

/** Returns the sockets for the forwards: one for each port, and one for two ports where a dual-stack socket can serve both. */
export function socketForwardsOf(sets: readonly ForwardSet[]): readonly SocketForward[] {
  const both = sets.filter(isWildcard(6)).flatMap((six) => {
    const four = sets.filter(isWildcard(4)).find((each) => areAlike(each, six));
    return four === undefined ? [] : [{ six, four, ports: common(four, six) }];
  });
  const alone = sets.flatMap((set) => {
    const shared = both.find(({ six, four }) => set === six || set === four)?.ports;
    return socketsOf(
      groupOf(set),
      pairs(set.ports).filter(({ hostPort }) => shared?.has(hostPort) !== true),
    );
  });
  return [...alone, ...both.flatMap(({ six, four, ports }) => socketsOf(groupOf(six, four), ports.values()))];
}

/** Returns the forwards of a socket, IPv4 first. */
export function forwardsOf(socket: SocketForward): readonly Forward[] {
  return socket.group.isDualStack ? [forwardOf(socket, unspecified(4)), forwardOf(socket)] : [forwardOf(socket)];
}

/** @param hostAddress default: the address to which the socket is bound */
export function forwardOf({ group, ...ports }: SocketForward, hostAddress = group.hostAddress): Forward {
  const { protocol, clientAddress, near, targets } = group;
  const binding = { protocol, hostAddress, ...ports, ...present({ clientAddress }) };
  return { binding, target: targets[hostAddress.family], ...present({ near }) };
}

/** Returns the forwards of all sockets, grouped, for each of their families. */
export function setsOf(sockets: Iterable<SocketForward>): readonly ForwardSet[] {
  const byGroup = grouped(sockets, ({ group }) => group);
  return [...byGroup].flatMap(([{ protocol, hostAddress, clientAddress, near, isDualStack, targets }, pairs]) => {
    const ports = runs(pairs);
    const addresses = isDualStack ? [unspecified(4), hostAddress] : [hostAddress];
    return addresses.map((address) => {
      const target = targets[address.family];
      return { protocol, hostAddress: address, target, ports, ...present({ clientAddress, near }) };
    });
  });
}

/** The part of a socket's forward that determines the target of a client. */
export type Destination = Pick<SocketForward, 'group' | 'containerPort'>;

export function targetOf({ group, containerPort }: Destination, family: Family): Endpoint {
  return { address: group.targets[family], port: containerPort };
}

function groupOf(set: ForwardSet, ipv4 = set): ForwardGroup {
  const { protocol, hostAddress, clientAddress, near, target } = set;
  const targets = { 4: ipv4.target, 6: target };
  return { protocol, hostAddress, isDualStack: ipv4 !== set, targets, ...present({ clientAddress, near }) };
}

function socketsOf(group: ForwardGroup, ports: Iterable<PortPair>): readonly SocketForward[] {
  return Array.from(ports, ({ hostPort, containerPort }) => ({ group, hostPort, containerPort }));
}

/** Returns the ports that both sets forward to the same container port, by host port. */
function common(a: ForwardSet, b: ForwardSet): ReadonlyMap<number, PortPair> {
  const ofA = new Map(pairs(a.ports).map(({ hostPort, containerPort }) => [hostPort, containerPort]));
  const found = pairs(b.ports).filter(({ hostPort, containerPort }) => ofA.get(hostPort) === containerPort);
  return new Map(found.map((pair) => [pair.hostPort, pair]));
}

function isWildcard(family: Family): (set: ForwardSet) => boolean {
  return ({ protocol, hostAddress }) =>
    protocol !== 'sctp' && hostAddress.family === family && isUnspecified(hostAddress);
}

function areAlike(a: ForwardSet, b: ForwardSet): boolean {
  return a.protocol === b.protocol && a.clientAddress === b.clientAddress;
}
