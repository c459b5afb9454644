/**
 * What the kernel tells without being asked: netlink's multicast groups as a stream of messages.
 *
 * A request is answered inside the call that sends it, and needs no waiting (`Connection`). An event comes when it
 * comes, so this socket waits on Node's own loop: the package `netlink` brings a small addon for just that, and is
 * loaded when the first stream is opened. Its parsing is not used; the tables of this folder read the messages.
 *
 * The kernel drops events that a slow reader has no room for and says so once (ENOBUFS). Then the stream ends with that
 * error: what a reader believed about the state is no longer true, and it has to look again.
 *
 * @see netlink(7), RTNLGRP_* in linux/rtnetlink.h, NFNLGRP_* in linux/netfilter/nfnetlink.h
 */
import { KernelError } from '../values/errors.ts';
import { type RawMessage, readMessages } from './message.ts';

/** Room for about ten thousand events of a reader that is busy. */
const receiveBytes = 4 * 1024 * 1024;

/** Numbers of the multicast groups that gangway listens to. */
export const groups = {
  route: { link: 1, ipv4Address: 5, ipv4Route: 7, ipv6Address: 9, ipv6Route: 11 },
  netfilter: { connectionNew: 1, connectionUpdate: 2, connectionDestroy: 3, tables: 7 },
} as const;

const protocolNumbers = { route: 0, netfilter: 12 } as const;

/**
 * Loads what opens streams of events. Opening one is then synchronous, so that it can be done inside a network namespace,
 * and the stream belongs to the one in which the main thread is at that moment.
 *
 *     ip monitor link address route; conntrack -E
 *
 * @returns a function whose stream misses nothing from its return on, and throws KernelError ENOBUFS when the kernel had
 *   to drop events
 */
export async function loadEvents(): Promise<
  (protocol: keyof typeof protocolNumbers, memberships: readonly number[]) => EventStream
> {
  const { RawNetlinkSocket } = await import('netlink');
  return (protocol, memberships) => {
    const options = { recvBufferSize: receiveBytes, sendBufferSize: 4096 };
    const socket = new RawNetlinkSocket(protocolNumbers[protocol], options);
    try {
      for (const group of memberships) socket.addMembership(group);
    } catch (error) {
      socket.close();
      throw error;
    }
    return new EventStream(socket);
  };
}

/** The part of `RawNetlinkSocket` that a stream uses. */
interface Source {
  on(event: 'message', listener: (bytes: Buffer) => void): unknown;
  on(event: 'error', listener: (error: { readonly code: string }) => void): unknown;
  close(): void;
}

/** Messages as they come. Leaving the loop closes the socket. */
export class EventStream implements AsyncIterable<RawMessage> {
  readonly #source: Source;
  readonly #queue: RawMessage[] = [];
  #failure: KernelError | undefined;
  #closed = false;
  #wake = () => {};

  constructor(source: Source) {
    this.#source = source;
    source.on('message', (bytes) => {
      this.#queue.push(...readMessages(bytes));
      this.#wake();
    });
    source.on('error', ({ code }) => {
      this.#failure = new KernelError('listen to the kernel', code);
      this.#wake();
    });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<RawMessage, void, undefined> {
    try {
      for (;;) {
        const next = this.#queue.shift();
        if (next !== undefined) yield next;
        else if (this.#failure !== undefined) throw this.#failure;
        else if (this.#closed) return;
        else await this.#more();
      }
    } finally {
      this.close();
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#source.close();
    this.#wake();
  }

  async #more(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }
}
