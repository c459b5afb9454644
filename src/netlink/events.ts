/**
 * What the kernel tells without being asked: netlink's multicast groups as a stream of messages.
 *
 * A request is answered inside the call that sends it, and needs no waiting (`Connection`). An event comes when it comes, so
 * its socket is waited for in Node's own loop.
 *
 * The kernel drops events that a slow reader has no room for and says so once (ENOBUFS). Then the stream ends with that
 * error: what a reader believed about the state is no longer true, and it has to look again.
 *
 * @see netlink(7), RTNLGRP_* in linux/rtnetlink.h, NFNLGRP_* in linux/netfilter/nfnetlink.h
 */
import { closeSocket, joinGroups, openNetlinkSocket, protocols, receiveFromKernel } from '../sys/netlink-socket.ts';
import { whenReadable } from '../sys/readiness.ts';
import { type RawMessage, readMessages } from './message.ts';

/** No datagram of events is larger: nf_tables gathers up to a page, and one object. */
const datagramBytes = 64 * 1024;
/** In one turn of the loop: whoever floods us keeps nobody else waiting. */
const mostDatagrams = 256;
/** So many may wait for their reader here; the others wait in the kernel, as long as that has room for them. */
const mostMessages = 4096;

/** Numbers of the multicast groups that gangway listens to. */
export const groups = {
  route: { link: 1, ipv4Address: 5, ipv4Route: 7, ipv6Address: 9, ipv6Route: 11 },
  netfilter: { connectionNew: 1, connectionUpdate: 2, connectionDestroy: 3, tables: 7 },
} as const;

/** What a stream is read from. Unit tests put an object in the kernel's place. */
export interface Source {
  /** Undefined when nothing is queued, 0 for what is not from the kernel. @throws KernelError ENOBUFS */
  receive(buffer: Buffer): number | undefined;
  /** Calls back whenever there may be something to receive. */
  listen(callback: () => void): void;
  /** Calls back no more, until somebody listens again. */
  pause(): void;
  close(): void;
}

/**
 * Joins groups in the network namespace in which the main thread is now.
 *
 *     ip monitor link address route; conntrack -E
 *
 * Nothing is missed from its return on.
 *
 * @throws KernelError
 */
export function openEvents(protocol: 'route' | 'netfilter', memberships: readonly number[]): Source {
  const fd = openNetlinkSocket(protocols[protocol]);
  try {
    joinGroups(fd, memberships);
  } catch (error) {
    closeSocket(fd);
    throw error;
  }
  let watch: { close(): void } | undefined;
  return {
    receive: (buffer) => receiveFromKernel(fd, buffer),
    listen(callback) {
      watch = whenReadable(fd, callback);
    },
    pause() {
      watch?.close();
      watch = undefined;
    },
    close() {
      watch?.close();
      closeSocket(fd);
    },
  };
}

/** Messages of all its sources, as they come. Leaving the loop closes them. */
export class EventStream implements AsyncIterable<RawMessage> {
  readonly #sources: readonly Source[];
  /** Those that are not listened to: what they have to tell waits in the kernel. */
  readonly #paused: Source[];
  readonly #buffer = Buffer.allocUnsafe(datagramBytes);
  #queue: RawMessage[] = [];
  #failure: unknown;
  #closed = false;
  #wake = () => {};

  constructor(...sources: readonly Source[]) {
    this.#sources = sources;
    this.#paused = [...sources];
    this.#listen();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<RawMessage, void, undefined> {
    try {
      for (;;) {
        const come = this.#queue;
        this.#queue = [];
        this.#listen();
        yield* come;
        if (this.#queue.length > 0) continue;
        if (this.#failure !== undefined) throw this.#failure;
        if (this.#closed) return;
        await this.#more();
      }
    } finally {
      this.close();
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const source of this.#sources) source.close();
    this.#wake();
  }

  get #hasRoom(): boolean {
    return !this.#closed && this.#failure === undefined && this.#queue.length < mostMessages;
  }

  #listen(): void {
    if (!this.#hasRoom) return;
    for (const source of this.#paused.splice(0)) source.listen(() => this.#read(source));
  }

  /** What came before an error is given out before it. */
  #read(source: Source): void {
    try {
      for (let count = 0; count < mostDatagrams && this.#hasRoom; count++) {
        const length = source.receive(this.#buffer);
        if (length === undefined) break;
        this.#queue.push(...readMessages(Buffer.from(this.#buffer.subarray(0, length))));
      }
    } catch (error) {
      this.#failure ??= error;
    }
    // What is not read stays readable, and would call back again and again.
    if (!this.#hasRoom) {
      source.pause();
      this.#paused.push(source);
    }
    // From a bare callback of the loop no promise goes on.
    setImmediate(() => this.#wake());
  }

  async #more(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }
}
