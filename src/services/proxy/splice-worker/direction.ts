/**
 * One direction of a connection: from one socket to the other.
 *
 * Theory of operation. A direction carries until there is nothing to carry, or nobody to take it, and either will be an
 * event:
 *
 *                    ┌──────────────────────── taken ────────────────────────┐
 *                    v                                                       │
 *     flowing:  receive ──> nothing there: wait for `from`          send to `to` ──> full: keep it, wait for `to`
 *                    └──────────────────────> bytes ─────────────────────────┘
 *     ending:   `from` has said FIN; what is kept goes first, then FIN
 *     ended:    nothing more
 *
 * What is kept is never more than one receive, and while something is kept nothing is received: a reader that is slow holds
 * back the writer, through the kernel's own queues.
 *
 * **Two ways to carry.** Small pieces go through the loop's buffer: two calls, recv and send. Large ones are moved from socket
 * to socket through a pipe, uncopied: half the processor time for 64 KiB, more calls for 100 bytes. A receive of 16 KiB or
 * more turns the direction to splicing, and a burst of less turns it back; the pipe is the loop's again as soon as it is
 * empty and nothing follows.
 */
import type { Pipe } from '../../../sys/pipe.ts';
import { addressOf, EAGAIN } from '../../../sys/system-calls.ts';
import { bufferBytes } from '../../../sys/tcp-calls.ts';
import type { Counters } from '../counters.ts';
import type { Side } from './endpoint.ts';
import type { Means } from './shared.ts';

/** A burst of so many bytes is worth a pipe. */
const bulkBytes = 16_384;

/** Steps until it is the others' turn: a megabyte each at most. */
const turn = 4;

/** `more`: go on. `waiting`: an event will tell. `broken`: the connection is. */
export type Progress = 'more' | 'waiting' | 'broken';

/** Which socket broke, and by which errno. */
export interface Failure {
  readonly side: Side;
  readonly errno: number;
}

/** What a socket did not take of the buffer. */
interface Rest {
  readonly bytes: Buffer;
  readonly address: number;
  sent: number;
}

/** A direction as its connection sees it, whatever carries. */
export type Way = Pick<Direction, 'unfinished' | 'failure' | 'ended' | 'full' | 'advance' | 'release'>;

export class Direction {
  /** Its turn was over before it was done. */
  unfinished = false;
  /** Why it is broken. */
  failure: Failure | undefined;
  #state: 'flowing' | 'ending' | 'ended' = 'flowing';
  #rest: Rest | undefined;
  #pipe: Pipe | undefined;
  #bulk = false;
  /** Since there was last nothing to carry, by splicing. */
  #burstBytes = 0;

  /**
   * @param inward from the client to the container
   * @param first what `to` gets before anything that comes from `from`: at a place that does not move
   */
  constructor(
    readonly from: Side,
    readonly to: Side,
    readonly inward: boolean,
    readonly means: Means,
    readonly counters: Counters,
    first?: Buffer,
  ) {
    if (first !== undefined && first.length > 0) this.#rest = { bytes: first, address: addressOf(first), sent: 0 };
  }

  get ended(): boolean {
    return this.#state === 'ended';
  }

  /** Does it wait for `to`? */
  get full(): boolean {
    return this.#rest !== undefined || (this.#pipe !== undefined && this.#pipe.held > 0);
  }

  /** Carries what there is, for a turn. `more`: there may be more, and no event will tell. */
  advance(): Progress {
    for (let step = 0; step < turn; step++) {
      const progress = this.#step();
      if (progress !== 'more') return progress;
    }
    return 'more';
  }

  /** For a connection that is closed. */
  release(): void {
    if (this.#pipe !== undefined) this.means.pipes.give(this.#pipe);
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
    const { streams } = this.means;
    const length = streams.receive(this.from.fd);
    if (length <= 0) return this.#nothing(length);
    this.counters.carried(this.inward, length);
    const sent = streams.send(this.to.fd, length);
    if (sent < 0 && sent !== -EAGAIN) return this.#broken(this.to, sent);
    if (sent < length) return this.#keep(Math.max(sent, 0), length);
    // splice(2) does not pass what is urgent.
    this.#bulk = length >= bulkBytes && !this.from.interrupted;
    // A socket that gave less than it was asked for is empty, and the next byte will be an event. So would be FIN.
    return length === bufferBytes || this.from.peerEnded || this.from.interrupted ? 'more' : 'waiting';
  }

  #keep(sent: number, length: number): Progress {
    const bytes = this.means.streams.copy(sent, length);
    this.#rest = { bytes, address: addressOf(bytes), sent: 0 };
    return 'waiting';
  }

  #splice(): Progress {
    const { pipes } = this.means;
    this.#pipe ??= pipes.take();
    if (this.#pipe === undefined) {
      this.#bulk = false;
      return this.#copy();
    }
    const moved = pipes.calls.fill(this.#pipe, this.from.fd);
    if (moved <= 0) {
      this.#bulk = this.#burstBytes >= bulkBytes;
      this.#burstBytes = 0;
      pipes.give(this.#pipe);
      this.#pipe = undefined;
      if (!this.from.interrupted) return this.#nothing(moved);
      this.#bulk = false;
      return this.#copy();
    }
    this.#burstBytes += moved;
    this.counters.carried(this.inward, moved);
    return this.#deliver();
  }

  /** What is kept. `more`: nothing is. */
  #deliver(): Progress {
    while (this.full) {
      const sent = this.#rest === undefined ? this.#deliverPipe() : this.#deliverRest(this.#rest);
      if (sent < 0) return sent === -EAGAIN ? 'waiting' : this.#broken(this.to, sent);
    }
    return 'more';
  }

  #deliverPipe(): number {
    return this.#pipe === undefined ? 0 : this.means.pipes.calls.drain(this.#pipe, this.to.fd);
  }

  #deliverRest(rest: Rest): number {
    const sent = this.means.streams.sendFrom(this.to.fd, rest.address + rest.sent, rest.bytes.length - rest.sent);
    if (sent > 0) rest.sent += sent;
    if (rest.sent === rest.bytes.length) this.#rest = undefined;
    return sent;
  }

  /** @param result of receiving: 0 is the end */
  #nothing(result: number): Progress {
    if (result === -EAGAIN) return 'waiting';
    if (result < 0 || this.from.broken) return this.#broken(this.from, result);
    this.#state = 'ending';
    return this.#finish();
  }

  #finish(): Progress {
    const result = this.means.streams.finish(this.to.fd);
    if (result < 0) return this.#broken(this.to, result);
    this.#state = 'ended';
    return 'waiting';
  }

  #broken(side: Side, result: number): Progress {
    this.failure = { side, errno: -result };
    return 'broken';
  }
}
