/**
 * One direction of an SCTP association: from one socket to the other, message by message.
 *
 * Theory of operation. As direction.ts, with three differences:
 *
 *     messages      each goes on as it came, whole, in its stream and with its number, or waits until `to` takes it. What
 *                   comes in pieces is gathered first: half a message is none
 *     no half-close SHUTDOWN ends both directions. So when one has ended, what still comes in the other is thrown away: nobody
 *                   could be told of it. It ends when the other socket says so
 *     no splicing   a pipe knows of no messages
 */
import type { Label, MessageCalls } from '../../../sys/sctp-calls.ts';
import { addressOf, EAGAIN, EMSGSIZE, ENOTCONN } from '../../../sys/system-calls.ts';
import type { Counters } from '../counters.ts';
import type { Failure, Progress, Way } from './direction.ts';
import type { Side } from './endpoint.ts';

/** Messages until it is the others' turn. */
const turn = 32;

/** An association that sends a longer message is broken off, as it would be where one sends more than a socket may hold. */
const longestMessageBytes = 1 << 20;

type Calls = Pick<MessageCalls, 'receive' | 'whole' | 'label' | 'copy' | 'copyTo' | 'send' | 'sendFrom' | 'finish'>;

interface Kept {
  readonly bytes: Buffer;
  readonly label: Label;
}

/** What there is of a message whose end has not come, and room for more. */
interface Gathered {
  readonly memory: Buffer;
  readonly length: number;
  readonly label: Label;
}

export class MessageDirection implements Way {
  unfinished = false;
  failure: Failure | undefined;
  #state: 'flowing' | 'ending' | 'ended' = 'flowing';
  #kept: Kept | undefined;
  #gathered: Gathered | undefined;

  /** @param inward from the client to the container */
  constructor(
    readonly from: Side,
    readonly to: Side,
    readonly inward: boolean,
    readonly calls: Calls,
    readonly counters: Counters,
  ) {}

  get ended(): boolean {
    return this.#state === 'ended';
  }

  get full(): boolean {
    return this.#kept !== undefined;
  }

  advance(): Progress {
    for (let step = 0; step < turn; step++) {
      const progress = this.#step();
      if (progress !== 'more') return progress;
    }
    return 'more';
  }

  release(): void {
    this.#kept = undefined;
    this.#gathered = undefined;
    this.#state = 'ended';
  }

  #step(): Progress {
    if (this.#state === 'ended') return 'waiting';
    if (this.#kept !== undefined) {
      const delivered = this.#deliver(this.#kept);
      if (delivered !== 'more') return delivered;
    }
    return this.#state === 'ending' ? this.#finish() : this.#receive();
  }

  #receive(): Progress {
    const length = this.calls.receive(this.from.fd);
    if (length <= 0) return this.#nothing(length);
    this.counters.carried(this.inward, length);
    if (this.#gathered !== undefined || !this.calls.whole) return this.#gather(length);
    const label = this.calls.label();
    if (this.to.over) return 'more';
    const sent = this.calls.send(this.to.fd, length, label);
    if (sent === -EAGAIN) this.#kept = { bytes: this.calls.copy(length), label };
    return this.#outcome(sent);
  }

  /** Pieces may have a byte each: none costs more than its bytes, and now and then twice the room. */
  #gather(piece: number): Progress {
    const before = this.#gathered ?? { memory: Buffer.alloc(0), length: 0, label: this.calls.label() };
    const length = before.length + piece;
    if (length > longestMessageBytes) return this.#broken(this.from, -EMSGSIZE);
    const memory = length > before.memory.length ? enlarged(before.memory, 2 * length) : before.memory;
    this.calls.copyTo(memory, before.length, piece);
    this.#gathered = this.calls.whole ? undefined : { ...before, memory, length };
    return this.calls.whole ? this.#deliver({ bytes: memory.subarray(0, length), label: before.label }) : 'more';
  }

  #deliver(kept: Kept): Progress {
    this.#kept = undefined;
    if (this.to.over) return 'more';
    const sent = this.calls.sendFrom(this.to.fd, addressOf(kept.bytes), kept.bytes.length, kept.label);
    if (sent === -EAGAIN) this.#kept = kept;
    return this.#outcome(sent);
  }

  #outcome(sent: number): Progress {
    if (sent >= 0) return 'more';
    return sent === -EAGAIN ? 'waiting' : this.#broken(this.to, sent);
  }

  /** @param result of receiving: 0 is the end, and so is an association that is no more */
  #nothing(result: number): Progress {
    if (result === -EAGAIN) return 'waiting';
    if (result < 0 && result !== -ENOTCONN) return this.#broken(this.from, result);
    this.from.over = true;
    this.#state = 'ending';
    return this.#finish();
  }

  #finish(): Progress {
    const result = this.to.over ? 0 : this.calls.finish(this.to.fd);
    if (result < 0 && result !== -ENOTCONN) return this.#broken(this.to, result);
    this.#state = 'ended';
    return 'waiting';
  }

  #broken(side: Side, result: number): Progress {
    this.failure = { side, errno: -result };
    return 'broken';
  }
}

function enlarged(memory: Buffer, bytes: number): Buffer {
  const larger = Buffer.from(new ArrayBuffer(Math.min(bytes, longestMessageBytes)));
  memory.copy(larger);
  return larger;
}
