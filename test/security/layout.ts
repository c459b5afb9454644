/** Describes the networks and hosts of a siege, and the settings of its host. */
import type { Family } from '../../src/values/address.ts';

export const families = [4, 6] as const;

export interface NetworkLayout {
  /** Number N: subnets 10.0.N.0/24 and fd00:0:0:N::/64, bridge NAME0. */
  readonly number: number;
  /** Default: both. */
  readonly families?: readonly Family[];
  /** Further arguments of `gangway network create`. */
  readonly options?: readonly string[];
}

export interface Layout {
  /** Hosts on the wire. Default: world and neighbour. */
  readonly outside?: readonly string[];
  readonly networks: Readonly<Record<string, NetworkLayout>>;
  /** Containers, with further arguments of `gangway run`: `front.a` is in network front, with addresses .2 and ::2. */
  readonly containers: Readonly<Record<string, readonly string[]>>;
}

export function subnet(number: number, family: Family): string {
  return family === 4 ? `10.0.${number}.0/24` : `fd00:0:0:${number}::/64`;
}

export function inNetwork(number: number, family: Family, host: number): string {
  return family === 4 ? `10.0.${number}.${host}` : `fd00:0:0:${number}::${host}`;
}

/** Settings of a host that stops no attack itself. New links copy `default`. */
export function carelessness(): Readonly<Record<string, number>> {
  const everywhere = ['all', 'default', 'up0'].flatMap((link) => [
    [`net.ipv4.conf.${link}.rp_filter`, 0],
    [`net.ipv4.conf.${link}.accept_local`, 1],
  ]);
  const router = [
    ['net.ipv4.ip_forward', 1],
    ['net.ipv6.conf.all.forwarding', 1],
  ];
  const talkative = [
    ['net.ipv4.icmp_ratelimit', 0],
    ['net.ipv6.icmp.ratelimit', 0],
  ];
  return Object.fromEntries([...router, ...everywhere, ...talkative]);
}
