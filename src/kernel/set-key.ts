/**
 * Keys and values of nf_tables' sets, as the bytes of the kernel's registers.
 *
 * A key of several parts is their concatenation, each part padded to four bytes: `tcp . 8080` is 06 00 00 00 1f 90 00 00.
 *
 * @see NFT_REG32_* in linux/netfilter/nf_tables.h
 */
import { align } from '../netlink/writer.ts';
import {
  type Address,
  type Family,
  families,
  fromBytes,
  lastAddress,
  network,
  type Prefix,
  toBytes,
  width,
} from '../values/address.ts';
import { wholeMask } from '../values/firewall-mark.ts';
import { formatMac, macBytes } from '../values/mac.ts';
import { protocolNumbers, protocols } from '../values/port.ts';
import type { Datum } from '../values/set-element.ts';
import { addressFamily } from './family.ts';

const IFNAMSIZ = 16;

/** A part of a key that can be read back, with the family that its set is for. */
export type KeyPart =
  | { readonly type: 'inet_proto' | 'inet_service' | 'ports' | 'ether_addr' | 'ifname' | 'nf_proto' | 'mark' }
  | { readonly type: 'address' | 'prefix'; readonly family: Family };

/** What a set or a map is made of. */
export interface SetParts {
  readonly key: readonly KeyPart[];
  /** Of a map. Absent for a set, and for a map of verdicts. */
  readonly value?: readonly KeyPart[];
}

/** The parts behind each other; of an interval the first value. */
export function firstKey(parts: readonly Datum[]): Uint8Array {
  return concatenate(parts.map(first));
}

/** The parts behind each other; of an interval the last value. */
export function lastKey(parts: readonly Datum[]): Uint8Array {
  return concatenate(parts.map(last));
}

/**
 * Reads a key that the kernel tells.
 *
 * @param end of an interval its last value
 * @returns undefined for one that we have never written
 */
export function readKey(
  parts: readonly KeyPart[],
  bytes: Uint8Array,
  end: Uint8Array = bytes,
): readonly Datum[] | undefined {
  const key: Datum[] = [];
  let offset = 0;
  for (const part of parts) {
    const length = lengthOf(part);
    const datum = read(part, bytes.subarray(offset, offset + length), end.subarray(offset, offset + length));
    if (datum === undefined) return undefined;
    key.push(datum);
    offset += align(length);
  }
  return key;
}

function lengthOf(part: KeyPart): number {
  if (part.type === 'address' || part.type === 'prefix') return part.family === 4 ? 4 : 16;
  return { nf_proto: 1, inet_proto: 1, inet_service: 2, ports: 2, ether_addr: 6, mark: 4, ifname: IFNAMSIZ }[part.type];
}

function read(part: KeyPart, bytes: Uint8Array, end: Uint8Array): Datum | undefined {
  if (part.type === 'ifname') return { type: 'ifname', name: Buffer.from(bytes).toString().replace(/\0+$/, '') };
  if (part.type === 'ether_addr') return { type: 'ether_addr', mac: formatMac(bytes) };
  if (part.type === 'address') return { type: 'address', address: fromBytes(bytes) };
  if (part.type === 'prefix') return { type: 'prefix', prefix: prefixOf(fromBytes(bytes), fromBytes(end)) };
  if (part.type === 'mark') return { type: 'mark', mark: { mark: Buffer.from(bytes).readUInt32LE(), mask: wholeMask } };
  const [high = 0, low = 0] = bytes;
  if (part.type === 'nf_proto') return familyNumbered(high);
  if (part.type === 'inet_service') return { type: 'inet_service', port: (high << 8) | low };
  if (part.type === 'ports')
    return { type: 'ports', first: (high << 8) | low, last: ((end[0] ?? 0) << 8) | (end[1] ?? 0) };
  const protocol = protocols.find((each) => protocolNumbers[each] === high);
  return protocol === undefined ? undefined : { type: 'inet_proto', protocol };
}

function familyNumbered(number: number): Datum | undefined {
  const family = families.find((each) => addressFamily(each) === number);
  return family === undefined ? undefined : { type: 'nf_proto', family };
}

/** The prefix that both ends have in common. */
function prefixOf(low: Address, high: Address): Prefix {
  const different = low.value ^ high.value;
  return { address: low, length: width(low.family) - (different === 0n ? 0 : different.toString(2).length) };
}

/** Each part begins at a multiple of four bytes; a key of one part alone is not padded. */
function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + align(part.length), 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += align(part.length);
  }
  return bytes;
}

/** The datum's bytes; of an interval its first value. */
function first(datum: Datum): Uint8Array {
  switch (datum.type) {
    case 'ifname':
      return Buffer.from(datum.name.padEnd(IFNAMSIZ, '\0'));
    case 'ether_addr':
      return macBytes(datum.mac);
    case 'address':
      return toBytes(datum.address);
    case 'prefix':
      return toBytes(network(datum.prefix).address);
    case 'inet_proto':
      return Uint8Array.of(protocolNumbers[datum.protocol]);
    case 'inet_service':
      return port(datum.port);
    case 'ports':
      return port(datum.first);
    case 'nf_proto':
      return Uint8Array.of(addressFamily(datum.family));
    case 'mark':
      return littleEndian(datum.mark.mark);
    case 'goto':
      throw new TypeError(`goto ${datum.chain} is a verdict and not a part of a key`);
  }
}

/** Of an interval its last value. */
function last(datum: Datum): Uint8Array {
  if (datum.type === 'ports') return port(datum.last);
  return datum.type === 'prefix' ? toBytes(lastAddress(datum.prefix)) : first(datum);
}

/** What the kernel compares as a number of its own is in its own order. */
function littleEndian(number: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(number);
  return bytes;
}

function port(number: number): Uint8Array {
  return Uint8Array.of(number >> 8, number & 0xff);
}
