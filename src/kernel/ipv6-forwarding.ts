/**
 * What the machine does with other people's IPv6 packets, and which of its links hear what routers say of themselves.
 *
 * @see accept_ra in https://docs.kernel.org/networking/ip-sysctl.html
 */
import { readdirSync } from 'node:fs';
import { ignoring } from '../values/errors.ts';
import { readSysctl } from './sysctl.ts';

/** `all` and `default` are no links, and nobody advertises routes on lo. */
const others = ['all', 'default', 'lo'];

/**
 * In the network namespace of the calling thread.
 *
 * @returns undefined where the kernel has no IPv6
 */
export function ipv6Forwarding(): { readonly forwarding: string; readonly listening: readonly string[] } | undefined {
  const names = ignoring('ENOENT', () => readdirSync('/proc/sys/net/ipv6/conf'));
  if (names === undefined) return undefined;
  const listening = names.filter((name) => !others.includes(name) && listens(name));
  return { forwarding: readSysctl('net/ipv6/conf/all/forwarding'), listening };
}

/** Until the link forwards. One with 2 always does, and a link that is gone by now never. */
function listens(name: string): boolean {
  const setting = (key: string) => ignoring('ENOENT', () => readSysctl(`net/ipv6/conf/${name}/${key}`));
  return setting('accept_ra') === '1' && setting('forwarding') === '0' && setting('disable_ipv6') === '0';
}
