/** Sends attack packets from a container, through its own link. */
import type { Make } from './kinds.ts';
import { ethernet, type Way } from './packets.ts';
import type { Shot, Siege } from './siege.ts';

export const everybody = 'ff:ff:ff:ff:ff:ff';

/** Sends packets from a container to its gateway's MAC, or to a sibling's. */
export async function send(siege: Siege, from: string, packets: readonly Buffer[], to?: string): Promise<unknown> {
  const target = to ?? (await siege.bridgeMac(from.split('.')[0] ?? ''));
  const frames = packets.map((each) => ethernet(target, siege.container(from).mac, each).toString('hex'));
  return siege.at(from).request('frames', { link: 'eth0', frames });
}

export function way(siege: Siege, from: string, to: string, family: 4 | 6): Way {
  return { source: siege.address(from, family), destination: siege.address(to, family) };
}

export function shots(siege: Siege, from: string, at: string, kinds: Readonly<Record<string, Make>>): readonly Shot[] {
  return Object.entries(kinds).map(([title, make]) => ({ title, at, fire: (text) => send(siege, from, make(text)) }));
}

/** Returns the link-local IPv6 address of a link. @see RFC 4291, appendix A */
export function linkLocal(mac: string): string {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = mac.split(':').map((byte) => Number.parseInt(byte, 16));
  const words = [(a ^ 2) * 256 + b, c * 256 + 0xff, 0xfe00 + d, e * 256 + f];
  return `fe80::${words.map((word) => word.toString(16)).join(':')}`;
}
