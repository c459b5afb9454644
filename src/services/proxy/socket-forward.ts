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
 * @see IPV6_V6ONLY in ipv6(7), RFC 3493 section 3.7
 */
import type { Endpoint } from '../../sys/inet-socket.ts';
import { type Family, isUnspecified } from '../../values/address.ts';
import type { Forward } from '../../values/port.ts';

/** A forward, and of a socket that speaks both families that of IPv4 beside that of IPv6. */
export interface SocketForward extends Forward {
  readonly ipv4?: Forward;
}

/** Where a socket leads the clients of each family. */
export type Targets = Readonly<Record<Family, Endpoint>>;

/** Each with a socket of its own, but for those of which one can serve two. */
export function share(forwards: readonly Forward[]): readonly SocketForward[] {
  const ofIpv4 = new Map(forwards.filter(isWide(4)).map((forward) => [likeness(forward), forward]));
  const both = forwards.filter(isWide(6)).flatMap((forward) => {
    const ipv4 = ofIpv4.get(likeness(forward));
    return ipv4 === undefined ? [] : [{ ...forward, ipv4 }];
  });
  const shared = new Set(both.map(likeness));
  const alone = forwards.filter(
    (forward) => !(isUnspecified(forward.binding.hostAddress) && shared.has(likeness(forward))),
  );
  return [...alone, ...both];
}

/** Those of one socket, IPv4 first. */
export function forwardsOf({ ipv4, ...forward }: SocketForward): readonly Forward[] {
  return ipv4 === undefined ? [forward] : [ipv4, forward];
}

export function targetsOf(forward: SocketForward): Targets {
  const six = targetOf(forward);
  return { 4: forward.ipv4 === undefined ? six : targetOf(forward.ipv4), 6: six };
}

function targetOf({ target, binding }: Forward): Endpoint {
  return { address: target, port: binding.containerPort };
}

function isWide(family: Family): (forward: Forward) => boolean {
  return ({ binding: { hostAddress } }) => hostAddress.family === family && isUnspecified(hostAddress);
}

/** The same for two that differ in nothing but their addresses. */
function likeness({ binding: { hostAddress: _, ...binding } }: Forward): string {
  return JSON.stringify(binding);
}
