/**
 * Builds packets byte by byte, including packets that no socket sends.
 *
 * Each function puts one header before its argument, so that a frame reads from the outside in:
 * `ethernet(gateway, me, packet(way, 17, udp(way, 4711, 80, text)))`.
 */
import { type Family, parseAddress, toBytes } from '../../src/values/address.ts';
import { type Mac, macBytes } from '../../src/values/mac.ts';

/** Claimed source and destination of a packet. */
export interface Way {
  readonly source: string;
  readonly destination: string;
}

export interface Ip4Options {
  readonly timeToLive?: number;
  /** The third word of the header: flags and offset. */
  readonly fragment?: number;
  /** A multiple of four bytes. */
  readonly options?: Buffer;
}

export const protocols = { icmp: 1, tcp: 6, udp: 17, gre: 47, icmp6: 58 } as const;

function familyOf({ destination }: Way): Family {
  return parseAddress(destination).family;
}

/** Returns an Ethernet frame with an IP packet, or with another `type`. */
export function ethernet(destination: string, source: string, payload: Buffer, type?: number): Buffer {
  const kind = type ?? ((payload[0] ?? 0) >> 4 === 6 ? 0x86dd : 0x0800);
  return Buffer.concat([mac(destination), mac(source), word(kind), payload]);
}

/** Adds an 802.1Q tag to a frame. Number 0 is a priority without VLAN; the receiver removes the tag. */
export function tagged(frame: Buffer, vlan: number): Buffer {
  return Buffer.concat([frame.subarray(0, 12), word(0x8100), word(vlan), frame.subarray(12)]);
}

/** Returns an IP packet of the addresses' family. */
export function packet(way: Way, protocol: number, payload: Buffer): Buffer {
  return familyOf(way) === 4 ? ip4(way, protocol, payload) : ip6(way, protocol, payload);
}

export function ip4(way: Way, protocol: number, payload: Buffer, more: Ip4Options = {}): Buffer {
  const { timeToLive = 64, fragment = 0, options = Buffer.alloc(0) } = more;
  const header = Buffer.alloc(12 + 8);
  header[0] = 0x45 + options.length / 4;
  header.writeUInt16BE(20 + options.length + payload.length, 2);
  header.writeUInt16BE(0x1234, 4);
  header.writeUInt16BE(fragment, 6);
  header[8] = timeToLive;
  header[9] = protocol;
  header.set(toBytes(parseAddress(way.source)), 12);
  header.set(toBytes(parseAddress(way.destination)), 16);
  const whole = Buffer.concat([header, options]);
  whole.writeUInt16BE(checksum(whole), 10);
  return Buffer.concat([whole, payload]);
}

export function ip6(way: Way, next: number, payload: Buffer, hopLimit = 64): Buffer {
  const header = Buffer.alloc(8);
  header[0] = 0x60;
  header.writeUInt16BE(payload.length, 4);
  header[6] = next;
  header[7] = hopLimit;
  return Buffer.concat([header, bytes(way.source), bytes(way.destination), payload]);
}

export function udp(way: Way, from: number, to: number, text: string): Buffer {
  const datagram = Buffer.concat([word(from), word(to), word(8 + text.length), word(0), Buffer.from(text)]);
  datagram.writeUInt16BE(transportChecksum(way, protocols.udp, datagram) || 0xffff, 6);
  return datagram;
}

/** Returns a SYN segment with a text, which a receiver may keep until the connection is open. */
export function tcp(way: Way, from: number, to: number, text: string, flags = 0x02): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt16BE(from);
  header.writeUInt16BE(to, 2);
  header.writeUInt32BE(1, 4);
  header[12] = 0x50;
  header[13] = flags;
  header.writeUInt16BE(64_000, 14);
  const segment = Buffer.concat([header, Buffer.from(text)]);
  segment.writeUInt16BE(transportChecksum(way, protocols.tcp, segment), 16);
  return segment;
}

/** Returns a message of the family's ICMP: type and code, then the bytes after the checksum. */
export function icmp(way: Way, type: number, code: number, body: Buffer): Buffer {
  const message = Buffer.concat([Buffer.of(type, code, 0, 0), body]);
  const sum = familyOf(way) === 4 ? checksum(message) : transportChecksum(way, protocols.icmp6, message);
  message.writeUInt16BE(sum, 2);
  return message;
}

export function bytes(address: string): Buffer {
  return Buffer.from(toBytes(parseAddress(address)));
}

function mac(text: string): Buffer {
  return Buffer.from(macBytes(text as Mac));
}

export function word(value: number): Buffer {
  return Buffer.of(value >> 8, value & 0xff);
}

function transportChecksum(way: Way, protocol: number, segment: Buffer): number {
  return checksum(
    Buffer.concat([bytes(way.source), bytes(way.destination), Buffer.of(0, protocol), word(segment.length), segment]),
  );
}

/** Computes the Internet checksum (RFC 1071). */
function checksum(data: Buffer): number {
  let sum = 0;
  for (let index = 0; index < data.length; index += 2) sum += ((data[index] ?? 0) << 8) | (data[index + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
