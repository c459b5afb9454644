/** Reads links, addresses and routes of a place with ip(8). */
import { waitFor } from '../../src/lab/wait.ts';
import type { World } from './world.ts';

// biome-ignore lint/suspicious/noExplicitAny: another program's JSON, of which we read what we expect
type Row = Record<string, any>;

/** Links that every network namespace of some kernels has. */
const everywhere = /^(tunl0|sit0|ip6tnl0|gre0|gretap0|erspan0|ip_vti0|ip6_vti0|ip6gre0)$/;

/** `eth0 mtu 1500 UP: 172.18.0.2/16 brd 172.18.255.255`, a line each. */
export async function linksOf(world: World, place: string): Promise<string> {
  const rows = (await ip(world, place, '-d', 'address')).filter(({ ifname }) => !everywhere.test(ifname));
  return rows.map(linkLine).join('\n');
}

export async function routesOf(world: World, place: string): Promise<string> {
  const both = [...(await ip(world, place, '-4', 'route')), ...(await ip(world, place, '-6', 'route'))];
  const lines = both.map(routeLine).filter((line) => !line.startsWith('fe80::/64') && !line.startsWith('multicast'));
  return lines.sort().join('\n') || 'none';
}

/** Returns the kind of eth0's MAC address: given, or derived from its address. */
export async function macOf(world: World, place: string): Promise<string> {
  const [row] = (await ip(world, place, 'address')).filter(({ ifname }) => ifname === 'eth0');
  const address: string = row?.addr_info?.find(({ family }: Row) => family === 'inet')?.local ?? '';
  const derived = ['02', '42', ...address.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'))].join(
    ':',
  );
  if (row?.address === derived) return 'follows from the address';
  // As a sentence, so that normalisation does not remove the value.
  return row?.address?.startsWith('02:00:00:') ? `given: ${row.address.replaceAll(':', '-')}` : 'its own, at random';
}

async function ip(world: World, place: string, ...words: readonly string[]): Promise<readonly Row[]> {
  const { stdout, stderr, exitCode } = await world.within(place, ['ip', '-j', ...words]);
  if (exitCode !== 0) throw new Error(stderr.trim());
  return JSON.parse(stdout || '[]') as readonly Row[];
}

/**
 * Waits until no address of the place, or of the machine, is looked for among the neighbours any more: for that second it
 * can't be used, and what is seen then tells how fast the machine was.
 *
 * @see RFC 4862 section 5.4
 */
export async function settled(world: World, place: string): Promise<void> {
  for (const one of new Set([place, 'host'])) {
    await waitFor(`the addresses of ${one} are its own`, async () => {
      const rows = await ip(world, one, '-6', 'address', 'show', 'tentative');
      return rows.every(({ operstate, addr_info = [] }) => operstate !== 'UP' || addr_info.every(isRefused));
    });
  }
}

function isRefused({ dadfailed }: Row): boolean {
  return dadfailed === true;
}

/** lo first; in which order links came to be, or what chance calls them, is of no interest. */
export function byName(a: string, b: string): number {
  const rank = (line: string) => (line.startsWith('lo ') ? '' : line);
  return rank(a) < rank(b) ? -1 : 1;
}

function linkLine({ ifname, mtu, operstate, linkinfo, addr_info }: Row): string {
  const kind = linkinfo?.info_kind === undefined ? '' : ` ${linkinfo.info_kind}`;
  const addresses = (addr_info as readonly Row[])
    .filter(({ scope }) => scope !== 'link')
    .map(({ local, prefixlen, broadcast }) => `${local}/${prefixlen}${broadcast ? ` brd ${broadcast}` : ''}`);
  return `${ifname}${kind} mtu ${mtu} ${operstate}: ${addresses.sort().join(', ') || 'no address'}`;
}

function routeLine({ dst, gateway, dev, prefsrc }: Row): string {
  const via = gateway === undefined ? '' : ` via ${gateway}`;
  return `${dst}${via} dev ${dev}${prefsrc === undefined ? '' : ` src ${prefsrc}`}`;
}
