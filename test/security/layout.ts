/** What a siege is made of, and the machine's own settings in it. */
import type { Family } from '../../src/values/address.ts';

export const families = [4, 6] as const;

export interface NetworkLayout {
  /** Its subnets are 10.0.N.0/24 and fd00:0:0:N::/64, its bridge is NAME0. */
  readonly number: number;
  /** Default: both. */
  readonly families?: readonly Family[];
  /** Further words of `gangway network create`. */
  readonly options?: readonly string[];
}

export interface Layout {
  /** Everybody on the wire. Default: world and neighbour. */
  readonly outside?: readonly string[];
  readonly networks: Readonly<Record<string, NetworkLayout>>;
  /** `front.a` is in front and has its addresses .2 and ::2; the words are further ones of `gangway run`. */
  readonly containers: Readonly<Record<string, readonly string[]>>;
}

export function subnet(number: number, family: Family): string {
  return family === 4 ? `10.0.${number}.0/24` : `fd00:0:0:${number}::/64`;
}

export function inNetwork(number: number, family: Family, host: number): string {
  return family === 4 ? `10.0.${number}.${host}` : `fd00:0:0:${number}::${host}`;
}

/** Nothing of the machine itself stops an attack. Links that come later copy `default`. */
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
