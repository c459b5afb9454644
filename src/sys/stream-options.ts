/**
 * Options of TCP sockets that are set for every connection, without an allocation.
 *
 * What every connection of a listener shall have is set once, on the listener: the kernel copies it to those that it accepts.
 *
 * @see tcp(7), socket(7)
 */
import { addressOf, type SystemCalls, systemCalls } from './system-calls.ts';

/** Level, option, and where its value stands in the memory. */
const options = {
  noDelay: [6, 1, 0],
  keepAlive: [1, 9, 0],
  idleSeconds: [6, 4, 4],
  intervalSeconds: [6, 5, 4],
  synRetries: [6, 7, 8],
  linger: [1, 13, 12],
} as const;

/** A vanished peer is found out as Go and therefore Docker does: probes after 15 s of silence, 15 s apart. */
const keepAliveSeconds = 15;

export class StreamOptions {
  readonly #calls: SystemCalls = systemCalls();
  readonly #memory = Buffer.from(new ArrayBuffer(20));
  readonly #address = addressOf(this.#memory);

  constructor(synRetries: number) {
    this.#memory.writeInt32LE(1, 0);
    this.#memory.writeInt32LE(keepAliveSeconds, 4);
    this.#memory.writeInt32LE(synRetries, 8);
    // struct linger { int on; int seconds }
    this.#memory.writeInt32LE(1, 12);
  }

  /** Nothing waits for more to be sent, and whether the peer is there is asked now and then. */
  prepare(fd: number): void {
    this.#set(fd, options.noDelay);
    this.#set(fd, options.keepAlive);
    this.#set(fd, options.idleSeconds);
    this.#set(fd, options.intervalSeconds);
  }

  /** How often a connection is tried again before it counts as failed. */
  limitTries(fd: number): void {
    this.#set(fd, options.synRetries);
  }

  /** Closing becomes RST, and what waits to be sent is dropped. */
  abortOnClose(fd: number): void {
    this.#set(fd, options.linger, 8);
  }

  /** Can fail only where the connection is gone already, and there the next call says so. */
  #set(fd: number, [level, option, at]: (typeof options)[keyof typeof options], length = 4): void {
    this.#calls.setsockopt(fd, level, option, this.#address + at, length);
  }
}
