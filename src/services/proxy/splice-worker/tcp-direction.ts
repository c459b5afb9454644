/**
 * One direction of a TCP connection: from one socket to the other.
 *
 * A direction relays until there is nothing to receive, or `to` takes no more. Either ends with an event:
 *
 *                    ┌──────────────────────── taken ────────────────────────┐
 *                    v                                                       │
 *     flowing:  receive ──> nothing there: wait for `from`          send to `to` ──> full: keep it, wait for `to`
 *                    └──────────────────────> bytes ─────────────────────────┘
 *     ending:   `from` has sent FIN; kept data goes first, then FIN
 *     ended:    nothing more
 *
 * A direction keeps at most the data of one receive, and receives nothing meanwhile. So a slow reader slows the
 * writer down, through the kernel's own queues.
 *
 * **Copy or splice.** Small pieces go through the loop's buffer, with recv and send. Large pieces go through a pipe, without a copy:
 * half the processor time for 64 KiB, more for 100 bytes. A receive of 16 KiB or more switches the direction to splicing; a
 * burst of less switches it back. The direction returns an empty pipe as soon as nothing follows.
 */
import { failed, hungUp, peerEnded, urgent } from '../../../sys/epoll.ts';
import type { Pipe } from '../../../sys/pipe.ts';
import { addressOf, EAGAIN } from '../../../sys/system-calls.ts';
import { bufferBytes } from '../../../sys/tcp-calls.ts';
import type { Counters } from '../counters.ts';
import type { WorkerContext } from './context.ts';
import type { EventHandler } from './event-loop.ts';

/** Bytes of a burst from which on splicing pays. */
const bulkBytes = 16_384;

/** Steps before other connections get their turn: a megabyte each at most. */
const turn = 4;

/** `more`: there may be more, and no event follows. `waiting`: an event follows. `broken`: a socket has failed. */
export type Progress = 'more' | 'waiting' | 'broken';

export interface Failure {
  readonly socket: ConnectionSocket;
  readonly errno: number;
}

/** Data of the buffer that a socket did not take. */
interface Rest {
  readonly bytes: Buffer;
  readonly address: number;
  sent: number;
}

/** A direction of either protocol. */
export type Direction = Pick<TcpDirection, 'unfinished' | 'failure' | 'ended' | 'full' | 'advance' | 'release'>;

export class TcpDirection {
  /** The turn ended before the data. */
  unfinished = false;
  failure: Failure | undefined;
  #state: 'flowing' | 'ending' | 'ended' = 'flowing';
  #rest: Rest | undefined;
  #pipe: Pipe | undefined;
  #bulk = false;
  /** Spliced since `from` was last empty. */
  #burstBytes = 0;

  /**
   * @param inward from the client to the container
   * @param header what `to` gets before all data of `from`, in memory that does not move
   */
  constructor(
    readonly from: ConnectionSocket,
    readonly to: ConnectionSocket,
    readonly inward: boolean,
    readonly context: WorkerContext,
    readonly counters: Counters,
    header?: Buffer,
  ) {
    if (header !== undefined && header.length > 0) this.#rest = { bytes: header, address: addressOf(header), sent: 0 };
  }

  get ended(): boolean {
    return this.#state === 'ended';
  }

  /** True while the direction waits for `to`. */
  get full(): boolean {
    return this.#rest !== undefined || (this.#pipe !== undefined && this.#pipe.held > 0);
  }

  /** Relays available data, for a turn. */
  advance(): Progress {
    for (let step = 0; step < turn; step++) {
      const progress = this.#step();
      if (progress !== 'more') return progress;
    }
    return 'more';
  }

  /** Frees the resources of a closed connection. */
  release(): void {
    if (this.#pipe !== undefined) this.context.pipes.release(this.#pipe);
    this.#pipe = undefined;
    this.#rest = undefined;
    this.#state = 'ended';
  }

  #step(): Progress {
    if (this.#state === 'ended') return 'waiting';
    const delivered = this.#deliver();
    if (delivered !== 'more') return delivered;
    if (this.#state === 'ending') return this.#finish();
    return this.#bulk ? this.#splice() : this.#copy();
  }

  #copy(): Progress {
    const { tcp } = this.context;
    const length = tcp.receive(this.from.fd);
    if (length <= 0) return this.#nothing(length);
    this.counters.addBytes(this.inward, length);
    const sent = tcp.send(this.to.fd, length);
    if (sent < 0 && sent !== -EAGAIN) return this.#broken(this.to, sent);
    if (sent < length) return this.#keep(Math.max(sent, 0), length);
    // splice(2) does not relay urgent data.
    this.#bulk = length >= bulkBytes && !this.from.hasUrgentData;
    // A receive of less than the buffer's size empties the socket: the next byte, or FIN, is an event.
    return length === bufferBytes || this.from.peerEnded || this.from.hasUrgentData ? 'more' : 'waiting';
  }

  #keep(sent: number, length: number): Progress {
    const bytes = this.context.tcp.copy(sent, length);
    this.#rest = { bytes, address: addressOf(bytes), sent: 0 };
    return 'waiting';
  }

  #splice(): Progress {
    const { pipes } = this.context;
    this.#pipe ??= pipes.take();
    if (this.#pipe === undefined) {
      this.#bulk = false;
      return this.#copy();
    }
    const moved = pipes.calls.fill(this.#pipe, this.from.fd);
    if (moved <= 0) {
      this.#bulk = this.#burstBytes >= bulkBytes;
      this.#burstBytes = 0;
      pipes.release(this.#pipe);
      this.#pipe = undefined;
      if (!this.from.hasUrgentData) return this.#nothing(moved);
      this.#bulk = false;
      return this.#copy();
    }
    this.#burstBytes += moved;
    this.counters.addBytes(this.inward, moved);
    return this.#deliver();
  }

  /** Sends kept data. `more`: none is left. */
  #deliver(): Progress {
    while (this.full) {
      const sent = this.#rest === undefined ? this.#deliverPipe() : this.#deliverRest(this.#rest);
      if (sent < 0) return sent === -EAGAIN ? 'waiting' : this.#broken(this.to, sent);
    }
    return 'more';
  }

  #deliverPipe(): number {
    return this.#pipe === undefined ? 0 : this.context.pipes.calls.drain(this.#pipe, this.to.fd);
  }

  #deliverRest(rest: Rest): number {
    const sent = this.context.tcp.sendFrom(this.to.fd, rest.address + rest.sent, rest.bytes.length - rest.sent);
    if (sent > 0) rest.sent += sent;
    if (rest.sent === rest.bytes.length) this.#rest = undefined;
    return sent;
  }

  /** @param result of receiving: 0 is the end of the stream, a negative one an errno */
  #nothing(result: number): Progress {
    if (result === -EAGAIN) return 'waiting';
    if (result < 0 || this.from.broken) return this.#broken(this.from, result);
    this.#state = 'ending';
    return this.#finish();
  }

  #finish(): Progress {
    const result = this.context.tcp.finish(this.to.fd);
    if (result < 0) return this.#broken(this.to, result);
    this.#state = 'ended';
    return 'waiting';
  }

  #broken(socket: ConnectionSocket, result: number): Progress {
    this.failure = { socket, errno: -result };
    return 'broken';
  }
}

export interface SocketOwner {
  onEvents(socket: ConnectionSocket, events: number): void;
}

/** One of the two sockets of a connection. */
export class ConnectionSocket implements EventHandler {
  /** The peer has sent FIN, or the socket has failed: a receive that gives less than asked for may not be the last one. */
  peerEnded = false;
  /** The peer has reset the connection, and the error was read: an end of the stream is not a FIN. */
  broken = false;
  /** Urgent data has come: a receive stops before it, though more data follows. @see tcp(7), MSG_OOB */
  hasUrgentData = false;
  /** Over SCTP: all data is received, and nothing can be sent. */
  isOver = false;

  constructor(
    readonly fd: number,
    readonly owner: SocketOwner,
  ) {}

  onEvents(events: number): void {
    if ((events & (peerEnded | hungUp | failed)) !== 0) this.peerEnded = true;
    if ((events & urgent) !== 0) this.hasUrgentData = true;
    this.owner.onEvents(this, events);
  }
}
