/**
 * Elements of nftables sets and maps, as values.
 *
 * A rule of the firewall that comes and goes is one of these, written once: it is added, removed, looked for and
 * explained from the same value. Each datum names its nftables type, so it can be written as text or as the bytes of a
 * kernel register without asking which set it is for.
 */
import { type Address, type Family, formatAddress, formatPrefix, type Prefix } from './address.ts';
import { type FirewallMark, formatFirewallMark } from './firewall-mark.ts';
import type { Mac } from './mac.ts';
import type { Protocol } from './port.ts';

/** One column of a key or value. A prefix is the interval from its first to its last address, `ports` one of numbers. */
export type Datum =
  | { readonly type: 'nf_proto'; readonly family: Family }
  | { readonly type: 'ifname'; readonly name: string }
  | { readonly type: 'ether_addr'; readonly mac: Mac }
  | { readonly type: 'address'; readonly address: Address }
  | { readonly type: 'prefix'; readonly prefix: Prefix }
  | { readonly type: 'inet_proto'; readonly protocol: Protocol }
  | { readonly type: 'inet_service'; readonly port: number }
  | { readonly type: 'ports'; readonly first: number; readonly last: number }
  | { readonly type: 'mark'; readonly mark: FirewallMark }
  | { readonly type: 'goto'; readonly chain: string };

/** `tcp . 8080 : 172.17.0.2 . 80` in `ports4`. `value` stands in maps only. */
export interface SetElement {
  readonly set: string;
  readonly key: readonly Datum[];
  readonly value?: readonly Datum[];
  /** After that the kernel takes it out by itself. Absent: it stays. */
  readonly timeoutSeconds?: number;
}

/** The element as nft(8) reads and prints it, without braces. Interface names are quoted: one could be called `ip`. */
export function formatSetElement(element: SetElement): string {
  const timeout = element.timeoutSeconds === undefined ? '' : ` timeout ${element.timeoutSeconds}s`;
  const key = `${element.key.map(formatDatum).join(' . ')}${timeout}`;
  return element.value === undefined ? key : `${key} : ${element.value.map(formatDatum).join(' . ')}`;
}

function formatDatum(datum: Datum): string {
  switch (datum.type) {
    case 'nf_proto':
      return `ipv${datum.family}`;
    case 'ifname':
      return `"${datum.name}"`;
    case 'ether_addr':
      return datum.mac;
    case 'address':
      return formatAddress(datum.address);
    case 'prefix':
      return formatPrefix(datum.prefix);
    case 'inet_proto':
      return datum.protocol;
    case 'inet_service':
      return String(datum.port);
    case 'ports':
      return datum.first === datum.last ? String(datum.first) : `${datum.first}-${datum.last}`;
    case 'mark':
      return formatFirewallMark(datum.mark);
    case 'goto':
      return `goto ${datum.chain}`;
  }
}
