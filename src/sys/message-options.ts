/**
 * Options of SCTP sockets that are set for every association, without an allocation.
 *
 * What every association of a listener shall have is set once, on the listener: those that it accepts have it, too.
 *
 * @see RFC 6458, section 8; linux/sctp.h
 */
import { addressOf, type SystemCalls, systemCalls } from './system-calls.ts';

/** Level, option, where its value stands in the memory, and its length. */
const options = {
  noDelay: [132, 3, 0, 4],
  receiveInformation: [132, 32, 0, 4],
  initialMessage: [132, 2, 4, 8],
  retransmission: [132, 0, 12, 16],
  linger: [1, 13, 28, 8],
  receiveBuffer: [1, 33, 36, 4],
  event: [132, 127, 40, 8],
} as const;

/** Streams that are offered to who asks: enough for an answer in the stream of the question. */
const offeredStreams = 64;

/**
 * The kernel doubles it. With its own 208 KiB a packet as large as loopback takes leaves no room for the next one, which is
 * dropped, and comes again after a second.
 */
const receiveBufferBytes = 1 << 20;

/** As TCP has it, in place of 3 s: a container is not far away. */
const firstTimeoutMilliseconds = 1000;

export class MessageOptions {
  readonly #calls: SystemCalls = systemCalls();
  readonly #memory = Buffer.from(new ArrayBuffer(48));
  readonly #address = addressOf(this.#memory);

  /** @param initRetries how often an association is tried again before it counts as failed: after 1 s, 2 s, 4 s and so on */
  constructor(initRetries: number) {
    this.#memory.writeInt32LE(1, 0);
    // struct sctp_initmsg { u16 streams out, most streams in, attempts, longest timeout }; 0 is as it is anyway.
    this.#memory.writeUInt16LE(offeredStreams, 4);
    this.#memory.writeUInt16LE(initRetries, 8);
    // struct sctp_rtoinfo { s32 association; u32 first, longest, shortest }
    this.#memory.writeUInt32LE(firstTimeoutMilliseconds, 16);
    // struct linger { int on; int seconds }
    this.#memory.writeInt32LE(1, 28);
    this.#memory.writeInt32LE(receiveBufferBytes, 36);
    // struct sctp_event { s32 association; u16 type; u8 on }: SCTP_ASSOC_CHANGE
    this.#memory.writeUInt16LE(0x8001, 44);
    this.#memory.writeUInt8(1, 46);
  }

  /** Nothing waits for more to be sent, each message comes with its stream, there is room for several, and an end is told. */
  prepare(fd: number): void {
    this.#set(fd, options.noDelay);
    this.#set(fd, options.receiveInformation);
    this.#set(fd, options.receiveBuffer);
    this.#set(fd, options.event);
    this.#memory.writeUInt16LE(offeredStreams, 4);
    this.#set(fd, options.initialMessage);
  }

  /** Of one that will connect: how many streams it asks for, and how often it tries. */
  limit(fd: number, streams: number): void {
    this.#memory.writeUInt16LE(streams, 4);
    this.#set(fd, options.initialMessage);
    this.#set(fd, options.retransmission);
  }

  /** Closing becomes ABORT, and what waits to be sent is dropped. */
  abortOnClose(fd: number): void {
    this.#set(fd, options.linger);
  }

  /** Can fail only where the association is gone already, and there the next call says so. */
  #set(fd: number, [level, option, at, length]: (typeof options)[keyof typeof options]): void {
    this.#calls.setsockopt(fd, level, option, this.#address + at, length);
  }
}
