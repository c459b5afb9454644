/**
 * A client's connection, and the connection to the container that belongs to it.
 *
 *     client ── 127.0.0.1:8080 │ relay │ 172.17.0.1:49200 ── 172.17.0.2:80 container
 *
 * The container sees the bridge's address as the client. Otherwise the two connections behave like one:
 *
 *   data         is received from one side only as fast as the other side takes it
 *   FIN          ends one direction; the other direction continues until its own FIN
 *   RST          becomes RST, and never FIN: the receiver must know that data is missing
 *   refused      becomes RST: the client is connected already
 *   no answer    becomes RST, after 31 s
 *
 * docker-proxy differs: it turns RST into FIN, and a refused connection into an empty answer.
 *
 * A connection has three states:
 *
 *     connecting ── the container accepts ──> open ── both directions ended ──> closed
 *         └── refused, unreachable, no answer,  └── either socket failed ──> closed, and RST for both
 *             or the client disconnected: RST for both
 *
 * While connecting, nothing is received from the client. Both sockets are watched from start to end for all events, edge-triggered:
 * two calls for each connection.
 *
 * A server may answer and close without reading the rest, with 413 to an upload for example. Its RST follows the answer. If send(2)
 * reports the RST first, the answer still waits in the kernel, and is relayed before the other side gets RST.
 */
import { edge, failed, hungUp, peerEnded, readable, urgent, writable } from '../../../sys/epoll.ts';
import { takeError } from '../../../sys/inet-socket.ts';
import { errnoName } from '../../../sys/libc.ts';
import { ECONNRESET, ENOTCONN, EPIPE } from '../../../sys/system-calls.ts';
import { type Counters, errorKindOf } from '../counters.ts';
import type { WorkerContext } from './context.ts';
import type { Task } from './event-loop.ts';
import { ConnectionSocket, type Direction, type SocketOwner } from './tcp-direction.ts';
import type { Transport } from './transport.ts';

const receivable = readable | urgent | peerEnded | hungUp | failed;
const allEvents = edge | readable | urgent | writable | peerEnded;

/** Errors of send(2) and shutdown(2) where the peer has closed the connection. */
const closedByPeer = [ECONNRESET, EPIPE, ENOTCONN];

export interface ConnectionOwner {
  readonly counters: Counters;
  readonly transport: Transport;
  onClosed(connection: Connection): void;
}

export class Connection implements SocketOwner, Task {
  readonly #client: ConnectionSocket;
  readonly #backend: ConnectionSocket;
  readonly #inward: Direction;
  readonly #outward: Direction;
  #state: 'connecting' | 'open' | 'closed' = 'connecting';
  /** The client has sent data while the connection was connecting. */
  #hasInput = false;

  /**
   * @param client connected
   * @param backend connecting; both descriptors belong to the connection from now on
   * @param header what the container gets before the client's data
   */
  constructor(
    client: number,
    backend: number,
    readonly context: WorkerContext,
    readonly owner: ConnectionOwner,
    header: Buffer,
  ) {
    this.#client = new ConnectionSocket(client, this);
    this.#backend = new ConnectionSocket(backend, this);
    const { transport, counters } = owner;
    this.#inward = transport.newDirection(this.#client, this.#backend, true, counters, header);
    this.#outward = transport.newDirection(this.#backend, this.#client, false, counters);
  }

  /** @throws KernelError ENOMEM, ENOSPC; the caller has to abort the connection then */
  watch(): void {
    this.context.loop.watch(this.#client.fd, allEvents, this.#client);
    this.context.loop.watch(this.#backend.fd, allEvents, this.#backend);
  }

  onEvents(socket: ConnectionSocket, events: number): void {
    if (this.#state === 'connecting') {
      this.#onConnecting(socket, events);
      return;
    }
    const fromClient = socket === this.#client;
    if ((events & receivable) !== 0) this.#run(fromClient ? this.#inward : this.#outward);
    if ((events & writable) !== 0) this.#runIfFull(fromClient ? this.#outward : this.#inward);
    // Data that came before the error is relayed by now.
    if ((events & failed) !== 0 && this.#state === 'open') this.#fail(socket, takeError(socket.fd));
  }

  resume(): void {
    const unfinished = [this.#inward, this.#outward].filter((direction) => direction.unfinished);
    // Reset both before either runs: `#defer` looks at both.
    for (const direction of unfinished) direction.unfinished = false;
    for (const direction of unfinished) this.#run(direction);
  }

  /** Closes both connections with RST, and drops data that waits to be sent. */
  abort(): void {
    if (this.#state === 'closed') return;
    this.context.tcp.abortOnClose(this.#client.fd);
    this.context.tcp.abortOnClose(this.#backend.fd);
    this.#close();
  }

  /** A connecting socket that becomes writable is connected, or has failed. */
  #onConnecting(socket: ConnectionSocket, events: number): void {
    if ((events & failed) !== 0) {
      this.#fail(socket, takeError(socket.fd));
    } else if (socket === this.#client) {
      this.#hasInput = true;
    } else if ((events & writable) !== 0) {
      this.#state = 'open';
      if (this.#hasInput || this.#inward.full) this.#run(this.#inward);
      if ((events & receivable) !== 0) this.#run(this.#outward);
    }
  }

  #runIfFull(direction: Direction): void {
    if (direction.full) this.#run(direction);
  }

  #run(direction: Direction): void {
    if (this.#state !== 'open') return;
    const progress = direction.advance();
    if (progress === 'broken') this.#onBroken(direction);
    else if (progress === 'more') this.#defer(direction);
    else if (this.#inward.ended && this.#outward.ended) this.#close();
  }

  #defer(direction: Direction): void {
    if (!this.#inward.unfinished && !this.#outward.unfinished) this.context.loop.defer(this);
    direction.unfinished = true;
  }

  #onBroken(direction: Direction): void {
    const { failure } = direction;
    if (failure === undefined) return;
    const { socket, errno } = failure;
    const opposite = socket === this.#client ? this.#inward : this.#outward;
    // The kernel still has what came before.
    socket.broken = closedByPeer.includes(errno);
    if (socket.broken && opposite !== direction) while (opposite.advance() === 'more');
    this.#fail(socket, errnoName(errno));
  }

  #fail(socket: ConnectionSocket, errno = 'ECONNRESET'): void {
    this.owner.counters.addError(errorKindOf(errno, socket === this.#client));
    this.abort();
  }

  #close(): void {
    this.#state = 'closed';
    for (const direction of [this.#inward, this.#outward]) direction.release();
    for (const { fd } of [this.#client, this.#backend]) {
      this.context.loop.unwatch(fd);
      this.context.descriptors.close(fd);
    }
    this.owner.onClosed(this);
  }
}
