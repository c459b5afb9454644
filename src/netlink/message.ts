/**
 * Messages: a header that every netlink family shares, a struct of the family, and attributes.
 *
 * @see struct nlmsghdr in linux/netlink.h; netlink(7)
 */

import type { Struct } from './attributes.ts';
import type { Codec } from './codec.ts';
import { align, type Writer } from './writer.ts';

/** NLM_F_*. `create` and `exclusive` together: an error if it is there already. */
export const flags = {
  request: 0x1,
  ack: 0x4,
  dump: 0x300,
  replace: 0x100,
  exclusive: 0x200,
  create: 0x400,
  append: 0x800,
} as const;

/** Message types below NLMSG_MIN_TYPE belong to netlink itself. */
export const control = { noop: 1, error: 2, done: 3 } as const;

export const headerLength = 16;

/** One kind of message: its number, its C name, and how its body is laid out. */
export interface MessageKind<H, A> {
  readonly name: string;
  readonly type: number;
  readonly header: Struct<H>;
  readonly attributes: Codec<A>;
}

/** One message to be sent. `operation` names it in errors: `add link veth1 (veth)`. */
export interface Request<H = unknown, A = unknown> {
  readonly operation: string;
  readonly kind: MessageKind<H, A>;
  readonly flags: number;
  readonly header: H;
  readonly attributes: A;
}

export interface Reply<H, A> {
  readonly header: H;
  readonly attributes: A;
}

/** Makes a request of a kind. The parts are checked by the kind's own types. */
export function request<H, A>(
  operation: string,
  kind: MessageKind<H, A>,
  flagBits: number,
  header: H,
  attributes: A,
): Request {
  return { operation, kind, flags: flagBits, header, attributes } as Request;
}

/** Appends the message to the writer. */
export function writeMessage(writer: Writer, message: Request, sequence: number, extraFlags: number): void {
  const start = writer.length;
  writer.u32(0);
  writer.u16(message.kind.type);
  writer.u16(message.flags | flags.request | extraFlags);
  writer.u32(sequence);
  writer.u32(0);
  message.kind.header.write(writer, message.header);
  writer.pad();
  message.kind.attributes.write(writer, message.attributes);
  writer.buffer.writeUInt32LE(writer.length - start, start);
  writer.pad();
}

export interface RawMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly payload: Buffer;
}

/** The messages of one datagram. What is cut short ends the list. */
export function* readMessages(bytes: Buffer): Generator<RawMessage> {
  let start = 0;
  while (start + headerLength <= bytes.length) {
    const length = bytes.readUInt32LE(start);
    if (length < headerLength || start + length > bytes.length) return;
    yield {
      type: bytes.readUInt16LE(start + 4),
      flags: bytes.readUInt16LE(start + 6),
      sequence: bytes.readUInt32LE(start + 8),
      payload: bytes.subarray(start + headerLength, start + length),
    };
    start += align(length);
  }
}

/** Decodes a message's body by the table of its kind. */
export function readBody<H, A>(kind: MessageKind<H, A>, payload: Buffer): Reply<H, A> {
  return {
    header: kind.header.read(payload),
    attributes: kind.attributes.read(payload.subarray(align(kind.header.length))),
  };
}
