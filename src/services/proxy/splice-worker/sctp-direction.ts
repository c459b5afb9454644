/**
 * One direction of an SCTP association: from one socket to the other, message by message.
 *
 * Like tcp-direction.ts, with three differences:
 *
 *     messages      are relayed whole, in the same stream and with the same protocol identifier. A message that comes in
 *                   pieces is assembled first
 *     no half-close SHUTDOWN ends both directions. When one direction has ended, data of the other is discarded, until
 *                   the other socket ends as well
 *     no splicing   a pipe does not preserve messages
 */
import type { Label, MessageCalls } from '../../../sys/sctp-calls.ts';
import { addressOf, EAGAIN, EMSGSIZE, ENOTCONN } from '../../../sys/system-calls.ts';
import type { Counters } from '../counters.ts';
import type { ConnectionSocket, Direction, Failure, Progress } from './tcp-direction.ts';

/** Messages before other connections get their turn. */
const turn = 32;

/** An association that sends a longer message is aborted. */
const longestMessageBytes = 1 << 20;

type Calls = Pick<MessageCalls, 'receive' | 'whole' | 'label' | 'copy' | 'copyTo' | 'send' | 'sendFrom' | 'finish'>;

interface Kept {
  readonly bytes: Buffer;
  readonly label: Label;
}

/** The pieces of an incomplete message. */
interface Gathered {
  readonly memory: Buffer;
  readonly length: number;
  readonly label: Label;
}

export class SctpDirection implements Direction {
  unfinished = false;
  failure: Failure | undefined;
  #state: 'flowing' | 'ending' | 'ended' = 'flowing';
  #kept: Kept | undefined;
  #gathered: Gathered | undefined;

  /** @param inward from the client to the container */
  constructor(
    readonly from: ConnectionSocket,
    readonly to: ConnectionSocket,
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
    this.counters.addBytes(this.inward, length);
    if (this.#gathered !== undefined || !this.calls.whole) return this.#gather(length);
    const label = this.calls.label();
    if (this.to.isOver) return 'more';
    const sent = this.calls.send(this.to.fd, length, label);
    if (sent === -EAGAIN) this.#kept = { bytes: this.calls.copy(length), label };
    return this.#outcome(sent);
  }

  /** Doubles the memory when it is full: a piece may have one byte. */
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
    if (this.to.isOver) return 'more';
    const sent = this.calls.sendFrom(this.to.fd, addressOf(kept.bytes), kept.bytes.length, kept.label);
    if (sent === -EAGAIN) this.#kept = kept;
    return this.#outcome(sent);
  }

  #outcome(sent: number): Progress {
    if (sent >= 0) return 'more';
    return sent === -EAGAIN ? 'waiting' : this.#broken(this.to, sent);
  }

  /** @param result of receiving: 0 is the end, and so is ENOTCONN */
  #nothing(result: number): Progress {
    if (result === -EAGAIN) return 'waiting';
    if (result < 0 && result !== -ENOTCONN) return this.#broken(this.from, result);
    this.from.isOver = true;
    this.#state = 'ending';
    return this.#finish();
  }

  #finish(): Progress {
    const result = this.to.isOver ? 0 : this.calls.finish(this.to.fd);
    if (result < 0 && result !== -ENOTCONN) return this.#broken(this.to, result);
    this.#state = 'ended';
    return 'waiting';
  }

  #broken(socket: ConnectionSocket, result: number): Progress {
    this.failure = { socket, errno: -result };
    return 'broken';
  }
}

function enlarged(memory: Buffer, bytes: number): Buffer {
  const larger = Buffer.from(new ArrayBuffer(Math.min(bytes, longestMessageBytes)));
  memory.copy(larger);
  return larger;
}
