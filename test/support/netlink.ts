/** A function in the kernel's place: the other end of a netlink connection, for tests that need no root. */
import { constants } from 'node:os';
import { Connection, type Transport } from '../../src/netlink/connection.ts';
import { flags, type RawMessage, readMessages } from '../../src/netlink/message.ts';
import { align } from '../../src/netlink/writer.ts';

/** NLM_F_*, linux/netlink.h. */
export const bits = { multi: 0x2, dumpInterrupted: 0x10, capped: 0x100, tlvs: 0x200 } as const;

/** What the kernel has to say to the messages of one sendmsg(2): datagrams. */
export type Answer = (sent: readonly RawMessage[], bytes: Buffer) => readonly Buffer[];

/** All is well, and those that asked for it are told. */
export const acknowledging: Answer = (sent) =>
  sent.flatMap((one) => ((one.flags & flags.ack) === 0 ? [] : [acknowledgement(one)]));

export class FakeKernel implements Transport {
  /** Every datagram that was sent, as bytes. */
  readonly heard: Buffer[] = [];
  closed = false;
  readonly #answer: Answer;
  readonly #queue: Buffer[] = [];

  constructor(answer: Answer = acknowledging) {
    this.#answer = answer;
  }

  connect(): Connection {
    return new Connection(this);
  }

  /** The messages that were sent, of all datagrams. */
  get messages(): readonly RawMessage[] {
    return this.heard.flatMap((bytes) => [...readMessages(bytes)]);
  }

  send(bytes: Buffer, length: number): void {
    const datagram = Buffer.from(bytes.subarray(0, length));
    this.heard.push(datagram);
    this.#queue.push(...this.#answer([...readMessages(datagram)], datagram));
  }

  receive(buffer: Buffer): number | undefined {
    return this.#queue.shift()?.copy(buffer);
  }

  close(): void {
    this.closed = true;
  }
}

/** One message as the kernel sends it, padded. */
export function message(type: number, flags: number, sequence: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const bytes = Buffer.alloc(align(16 + payload.length));
  bytes.writeUInt32LE(16 + payload.length, 0);
  bytes.writeUInt16LE(type, 4);
  bytes.writeUInt16LE(flags, 6);
  bytes.writeUInt32LE(sequence, 8);
  bytes.set(payload, 16);
  return bytes;
}

/** One attribute, padded: struct nlattr. */
export function attribute(number: number, value: Uint8Array): Buffer {
  const bytes = Buffer.alloc(align(4 + value.length));
  bytes.writeUInt16LE(4 + value.length, 0);
  bytes.writeUInt16LE(number, 2);
  bytes.set(value, 4);
  return bytes;
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

type Errno = keyof typeof constants.errno;

export function done(sequence: number, errno?: Errno, ...tlvs: readonly Buffer[]): Buffer {
  const flags = bits.multi | (tlvs.length === 0 ? 0 : bits.tlvs);
  return message(
    3,
    flags,
    sequence,
    Buffer.concat([int32(errno === undefined ? 0 : -constants.errno[errno]), ...tlvs]),
  );
}

export function acknowledgement(request: RawMessage): Buffer {
  return message(2, bits.capped, request.sequence, Buffer.concat([int32(0), header(request)]));
}

/** NLMSG_ERROR; what it quotes of the request is the whole message, or under NETLINK_CAP_ACK its header alone. */
export function refused(
  request: RawMessage,
  errno: Errno,
  extended: { readonly sentence?: string; readonly offset?: number; readonly whole?: boolean } = {},
): Buffer {
  const { sentence, offset, whole = false } = extended;
  const quoted = whole ? Buffer.concat([header(request), request.payload]) : header(request);
  const padding = Buffer.alloc(align(quoted.length) - quoted.length);
  const tlvs = [
    ...(sentence === undefined ? [] : [attribute(1, Buffer.from(`${sentence}\0`))]),
    ...(offset === undefined ? [] : [attribute(2, int32(offset))]),
  ];
  const flags = (whole ? 0 : bits.capped) | (tlvs.length === 0 ? 0 : bits.tlvs);
  const parts = [int32(-constants.errno[errno]), quoted, padding, ...tlvs];
  return message(2, flags, request.sequence, Buffer.concat(parts));
}

function header({ type, flags, sequence, payload }: RawMessage): Buffer {
  const bytes = message(type, flags, sequence);
  bytes.writeUInt32LE(16 + payload.length, 0);
  return bytes;
}
