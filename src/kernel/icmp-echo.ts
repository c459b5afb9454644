/**
 * Echo requests and their replies, as a raw socket sends and gets them.
 *
 * @see RFC 792, RFC 4443 section 4, raw(7)
 */
import type { Family } from '../values/address.ts';

const types = { 4: { request: 8, reply: 0 }, 6: { request: 128, reply: 129 } } as const;

/** `ping`: a message with this number and nothing else. In IPv6 the kernel fills in the checksum. */
export function echoRequest(family: Family, number: number): Uint8Array {
  const message = Buffer.alloc(8);
  message.writeUInt8(types[family].request, 0);
  message.writeUInt16BE(number, 4);
  message.writeUInt16BE(1, 6);
  if (family === 4) message.writeUInt16BE(checksum(message), 2);
  return message;
}

/** Is it the answer to the request of this number? In IPv4 the header of the packet stands before it. */
export function isEchoReply(family: Family, number: number, packet: Uint8Array): boolean {
  const bytes = Buffer.from(packet.buffer, packet.byteOffset, packet.byteLength);
  const start = family === 4 ? ((bytes[0] ?? 0) & 0xf) * 4 : 0;
  if (bytes.length < start + 8) return false;
  return bytes.readUInt8(start) === types[family].reply && bytes.readUInt16BE(start + 4) === number;
}

/** The ones' complement of the sum of all 16-bit words. @see RFC 1071 */
function checksum(message: Buffer): number {
  let sum = 0;
  for (let at = 0; at < message.length; at += 2) sum += message.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}
