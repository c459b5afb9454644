/**
 * A client's connection, and the one to the container that carries it on.
 *
 * Theory of operation. Three states, and no other way between them:
 *
 *     connecting ── the container accepts ──> open ── both directions ended ──> closed
 *         └── refused, unreachable, no answer,  └── either socket broke ──> closed, and RST for both
 *             or the client went: RST for both
 *
 * While connecting nothing is received from the client: what it sends waits in its own socket. What introduces the client
 * goes before it, as soon as there is a connection. Both sockets are watched
 * from the beginning to the end, for everything, by edge: two calls for the life of a connection.
 *
 * Who answers and closes without reading the rest (413 to an upload) breaks it off, behind the answer. Where sending notices it
 * first, the answer is still in our queue, and is carried before the other side hears of it.
 *
 * What happens to one side happens to the other: see stream-relay.ts, which is the same without this engine.
 */
import { edge, failed, hungUp, peerEnded, readable, urgent, writable } from '../../../sys/epoll.ts';
import { takeError } from '../../../sys/inet-socket.ts';
import { errnoName } from '../../../sys/libc.ts';
import { ECONNRESET, ENOTCONN, EPIPE } from '../../../sys/system-calls.ts';
import { type Counters, errorKindOf } from '../counters.ts';
import type { Way } from './direction.ts';
import { Side, type SideOwner } from './endpoint.ts';
import type { Continued } from './event-loop.ts';
import type { Means } from './shared.ts';
import type { Transport } from './transport.ts';

const arrival = readable | urgent | peerEnded | hungUp | failed;
const everything = edge | readable | urgent | writable | peerEnded;

/** What sending says, and ending, where the peer has gone. */
const goneErrnos = [ECONNRESET, EPIPE, ENOTCONN];

export interface ConnectionOwner {
  readonly counters: Counters;
  readonly transport: Transport;
  left(connection: Connection): void;
}

export class Connection implements SideOwner, Continued {
  readonly #client: Side;
  readonly #backend: Side;
  readonly #inward: Way;
  readonly #outward: Way;
  #state: 'connecting' | 'open' | 'closed' = 'connecting';
  /** Something has come from the client already. */
  #waiting = false;

  /**
   * @param client connected
   * @param backend which connects; both are the connection's from now on
   * @param first what the container gets before the client's bytes
   */
  constructor(
    client: number,
    backend: number,
    readonly means: Means,
    readonly owner: ConnectionOwner,
    first: Buffer,
  ) {
    this.#client = new Side(client, this);
    this.#backend = new Side(backend, this);
    const { transport, counters } = owner;
    this.#inward = transport.carry(this.#client, this.#backend, true, counters, first);
    this.#outward = transport.carry(this.#backend, this.#client, false, counters);
  }

  /** @throws KernelError ENOMEM, ENOSPC; it is to be aborted then */
  watch(): void {
    this.means.loop.watch(this.#client.fd, everything, this.#client);
    this.means.loop.watch(this.#backend.fd, everything, this.#backend);
  }

  happened(side: Side, events: number): void {
    if (this.#state === 'connecting') {
      this.#meanwhile(side, events);
      return;
    }
    const fromClient = side === this.#client;
    if ((events & arrival) !== 0) this.#run(fromClient ? this.#inward : this.#outward);
    if ((events & writable) !== 0) this.#resume(fromClient ? this.#outward : this.#inward);
    // What it had received before has been carried on.
    if ((events & failed) !== 0 && this.#state === 'open') this.#fail(side, takeError(side.fd));
  }

  proceed(): void {
    const unfinished = [this.#inward, this.#outward].filter((direction) => direction.unfinished);
    // Both before either runs: one that is put off again counts on nobody having asked for another turn yet.
    for (const direction of unfinished) direction.unfinished = false;
    for (const direction of unfinished) this.#run(direction);
  }

  /** RST for both, whatever is still to be sent. */
  abort(): void {
    if (this.#state === 'closed') return;
    this.means.streams.abortOnClose(this.#client.fd);
    this.means.streams.abortOnClose(this.#backend.fd);
    this.#close();
  }

  /** Connecting: a socket that can be written is connected, or has failed. */
  #meanwhile(side: Side, events: number): void {
    if ((events & failed) !== 0) {
      this.#fail(side, takeError(side.fd));
    } else if (side === this.#client) {
      this.#waiting = true;
    } else if ((events & writable) !== 0) {
      this.#state = 'open';
      if (this.#waiting || this.#inward.full) this.#run(this.#inward);
      if ((events & arrival) !== 0) this.#run(this.#outward);
    }
  }

  #resume(direction: Way): void {
    if (direction.full) this.#run(direction);
  }

  #run(direction: Way): void {
    if (this.#state !== 'open') return;
    const progress = direction.advance();
    if (progress === 'broken') this.#break(direction);
    else if (progress === 'more') this.#putOff(direction);
    else if (this.#inward.ended && this.#outward.ended) this.#close();
  }

  #putOff(direction: Way): void {
    if (!this.#inward.unfinished && !this.#outward.unfinished) this.means.loop.again(this);
    direction.unfinished = true;
  }

  #break(direction: Way): void {
    const { failure } = direction;
    if (failure === undefined) return;
    const { side, errno } = failure;
    const back = side === this.#client ? this.#inward : this.#outward;
    // Nothing more comes by it: what is there is what the kernel has kept.
    side.broken = goneErrnos.includes(errno);
    if (side.broken && back !== direction) while (back.advance() === 'more');
    this.#fail(side, errnoName(errno));
  }

  #fail(side: Side, errno = 'ECONNRESET'): void {
    this.owner.counters.failed(errorKindOf(errno, side === this.#client));
    this.abort();
  }

  #close(): void {
    this.#state = 'closed';
    for (const direction of [this.#inward, this.#outward]) direction.release();
    for (const { fd } of [this.#client, this.#backend]) {
      this.means.loop.forget(fd);
      this.means.descriptors.close(fd);
    }
    this.owner.left(this);
  }
}
