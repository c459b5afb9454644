/**
 * Whether the host forwards packets, which links forward by themselves, and which links accept router advertisements.
 *
 * All in the network namespace of the calling thread.
 *
 * @see forwarding and accept_ra in https://docs.kernel.org/networking/ip-sysctl.html
 */
import { readdirSync } from 'node:fs';
import type { Family } from '../values/address.ts';
import { ignoring } from '../values/errors.ts';
import { readSysctl } from './sysctl.ts';

export interface Forwarding {
  /** The setting of the host as a whole: `0` or `1`. */
  readonly forwarding: string;
  /** The links that forward by themselves. */
  readonly forwardingLinks: readonly string[];
}

export interface Ipv6Forwarding extends Forwarding {
  /** The links that accept router advertisements only until they forward: `accept_ra` is 1. */
  readonly routerAdvertisementLinks: readonly string[];
}

/** Entries that are not links (`all`, `default`), and the loopback. */
const others = ['all', 'default', 'lo'];

/** `sysctl -n net.ipv4.ip_forward`, and `net.ipv4.conf.*.forwarding`. */
export function ipv4Forwarding(): Forwarding {
  return {
    forwarding: readSysctl('net/ipv4/ip_forward'),
    forwardingLinks: linksOf(4).filter((name) => forwards(4, name)),
  };
}

/** @returns undefined where the kernel has no IPv6 */
export function ipv6Forwarding(): Ipv6Forwarding | undefined {
  const names = ignoring('ENOENT', () => linksOf(6));
  if (names === undefined) return undefined;
  return {
    forwarding: readSysctl('net/ipv6/conf/all/forwarding'),
    forwardingLinks: names.filter((name) => forwards(6, name)),
    routerAdvertisementLinks: names.filter(listens),
  };
}

function linksOf(family: Family): readonly string[] {
  return readdirSync(`/proc/sys/net/ipv${family}/conf`).filter((name) => !others.includes(name));
}

/** @returns undefined where the link has disappeared */
function settingOf(family: Family, name: string, key: string): string | undefined {
  return ignoring('ENOENT', () => readSysctl(`net/ipv${family}/conf/${name}/${key}`));
}

function forwards(family: Family, name: string): boolean {
  return settingOf(family, name, 'forwarding') === '1';
}

/** Does the link accept router advertisements only until it forwards? With `accept_ra` 2 it always does. */
function listens(name: string): boolean {
  return settingOf(6, name, 'accept_ra') === '1' && !forwards(6, name) && settingOf(6, name, 'disable_ipv6') === '0';
}
