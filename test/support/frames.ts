/** Ethernet frames, written byte by byte: honest ones and others. */
import { parseAddress, toBytes } from '../../src/values/address.ts';
import { type Mac, macBytes } from '../../src/values/mac.ts';

export const etherTypes = { ipv4: 0x0800, arp: 0x0806, vlan: 0x8100, ipv6: 0x86dd } as const;
export const protocols = { hopByHop: 0, icmp: 1, udp: 17, fragment: 44, icmpv6: 58, destination: 60 } as const;

export function ethernet(to: string, from: string, etherType: number, payload: Uint8Array): Buffer {
  return Buffer.concat([mac(to), mac(from), u16(etherType), payload]);
}

/** The same frame with a tag between the addresses and the type. */
export function tagged(frame: Buffer, vlan: number): Buffer {
  return Buffer.concat([frame.subarray(0, 12), u16(etherTypes.vlan), u16(vlan), frame.subarray(12)]);
}

export interface ArpFields {
  readonly operation: 'request' | 'reply';
  readonly sender: readonly [mac: string, address: string];
  readonly target: readonly [mac: string, address: string];
}

export function arp({ operation, sender, target }: ArpFields): Buffer {
  const head = [0, 1, 0x08, 0, 6, 4, 0, operation === 'request' ? 1 : 2];
  return Buffer.concat([Uint8Array.from(head), ...[sender, target].flatMap(([m, a]) => [mac(m), address(a)])]);
}

export interface Ipv4Fields {
  readonly from: string;
  readonly to: string;
  readonly protocol: number;
}

export function ipv4({ from, to, protocol }: Ipv4Fields, payload: Uint8Array): Buffer {
  const head = Buffer.from([0x45, 0, 0, 0, 0, 1, 0, 0, 64, protocol, 0, 0, ...address(from), ...address(to)]);
  head.writeUInt16BE(head.length + payload.length, 2);
  head.writeUInt16BE(checksum(head), 10);
  return Buffer.concat([head, payload]);
}

/** @param next the first header of the payload */
export function ipv6(from: string, to: string, next: number, payload: Uint8Array): Buffer {
  const head = Buffer.from([0x60, 0, 0, 0, 0, 0, next, 255, ...address(from), ...address(to)]);
  head.writeUInt16BE(payload.length, 4);
  return Buffer.concat([head, payload]);
}

/** Without a checksum, which IPv4 allows. */
export function udp(fromPort: number, toPort: number, payload: Uint8Array = Buffer.from('?')): Buffer {
  return Buffer.concat([u16(fromPort), u16(toPort), u16(8 + payload.length), u16(0), payload]);
}

/** With the checksum that IPv6 wants: of protocol and payload at an offset of its own. */
export function summed(from: string, to: string, protocol: number, at: number, payload: Buffer): Buffer {
  const result = Buffer.from(payload);
  const pseudo = [...address(from), ...address(to), 0, 0, ...u16(payload.length), 0, 0, 0, protocol];
  result.writeUInt16BE(checksum(Buffer.concat([Uint8Array.from(pseudo), payload])) || 0xffff, at);
  return result;
}

/** @param body what follows type, code and checksum */
export function icmpv6(from: string, to: string, type: number, body: Uint8Array): Buffer {
  return summed(from, to, protocols.icmpv6, 2, Buffer.concat([Uint8Array.of(type, 0, 0, 0), body]));
}

export const icmpv6Types = {
  echo: 128,
  report: 143,
  routerAdvert: 134,
  solicit: 135,
  advert: 136,
} as const;

/** Of a solicitation or an advertisement: flags, target, and the option with a link-layer address, if there is one. */
export function discovery(flags: number, target: string, option?: readonly [type: 1 | 2, mac: string]): Buffer {
  const tail = option === undefined ? [] : [option[0], 1, ...mac(option[1])];
  return Buffer.from([flags, 0, 0, 0, ...address(target), ...tail]);
}

/** Solicited is 0x40, override 0x20. */
export const override = 0x20;

/** `I am a router for half an hour, and everybody in PREFIX/64 makes an address of it`. */
export function routerAdvertisement(prefix: string): Buffer {
  const lifetime = [64, 0, ...u16(1800), 0, 0, 0, 0, 0, 0, 0, 0];
  const forever = [0, 0, 0x0e, 0x10];
  return Buffer.from([...lifetime, 3, 4, 64, 0xc0, ...forever, ...forever, 0, 0, 0, 0, ...address(prefix)]);
}

/** Destination options that say nothing, in front of another header. */
export function options(next: number, payload: Uint8Array): Buffer {
  return Buffer.concat([Uint8Array.of(next, 0, 1, 4, 0, 0, 0, 0), payload]);
}

/** @param offset in bytes, a multiple of eight */
export function fragment(next: number, offset: number, more: boolean, payload: Uint8Array): Buffer {
  return Buffer.concat([Uint8Array.of(next, 0), u16(offset | (more ? 1 : 0)), Uint8Array.of(0, 0, 0, 7), payload]);
}

function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

function mac(text: string): Uint8Array {
  return macBytes(text as Mac);
}

function address(text: string): Uint8Array {
  return toBytes(parseAddress(text));
}

function u16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff);
}
