/**
 * What the machine does with other people's packets, by which of its links it does so even where it does not as a whole, and
 * which of them hear what routers say of themselves.
 *
 * All in the network namespace of the calling thread.
 *
 * @see forwarding and accept_ra in https://docs.kernel.org/networking/ip-sysctl.html
 */
import { readdirSync } from 'node:fs';
import type { Family } from '../values/address.ts';
import { ignoring } from '../values/errors.ts';
import { readSysctl } from './sysctl.ts';

interface Forwarding {
  /** Of the whole machine: `0` or `1`. */
  readonly forwarding: string;
  /** The links that forward by themselves. */
  readonly routing: readonly string[];
}

/** `all` and `default` are no links, and lo is nobody's way. */
const others = ['all', 'default', 'lo'];

/** `sysctl -n net.ipv4.ip_forward`, and `net.ipv4.conf.*.forwarding`. */
export function ipv4Forwarding(): Forwarding {
  return { forwarding: readSysctl('net/ipv4/ip_forward'), routing: linksOf(4).filter((name) => forwards(4, name)) };
}

/** @returns undefined where the kernel has no IPv6 */
export function ipv6Forwarding(): (Forwarding & { readonly listening: readonly string[] }) | undefined {
  const names = ignoring('ENOENT', () => linksOf(6));
  if (names === undefined) return undefined;
  return {
    forwarding: readSysctl('net/ipv6/conf/all/forwarding'),
    routing: names.filter((name) => forwards(6, name)),
    listening: names.filter(listens),
  };
}

function linksOf(family: Family): readonly string[] {
  return readdirSync(`/proc/sys/net/ipv${family}/conf`).filter((name) => !others.includes(name));
}

/** Undefined for a link that is gone by now. */
function settingOf(family: Family, name: string, key: string): string | undefined {
  return ignoring('ENOENT', () => readSysctl(`net/ipv${family}/conf/${name}/${key}`));
}

function forwards(family: Family, name: string): boolean {
  return settingOf(family, name, 'forwarding') === '1';
}

/** Until the link forwards. One with 2 always does. */
function listens(name: string): boolean {
  return settingOf(6, name, 'accept_ra') === '1' && !forwards(6, name) && settingOf(6, name, 'disable_ipv6') === '0';
}
