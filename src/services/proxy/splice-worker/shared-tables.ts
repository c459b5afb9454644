/**
 * Tables in memory that both threads share, indexed by descriptor. Pages that were never written take no memory.
 *
 * FdRegistry lists the descriptors that the worker's thread has opened. A thread that dies leaves its descriptors open, and
 * clients would hang on connections without a relay. So the other thread closes all registered descriptors first.
 *
 * CounterTable holds the counters of each port, at the descriptor of its listening socket.
 */
import { type SystemCalls, systemCalls } from '../../../sys/system-calls.ts';
import { Counters, countFields } from '../counters.ts';

/** No connection gets a descriptor beyond this number. */
export const maxDescriptors = 1 << 20;

export class FdRegistry {
  readonly #calls: SystemCalls = systemCalls();
  readonly #open: Uint8Array;

  /** @param limit clients get descriptors below it */
  constructor(
    readonly memory: SharedArrayBuffer = new SharedArrayBuffer(maxDescriptors),
    readonly limit = maxDescriptors,
  ) {
    this.#open = new Uint8Array(memory);
  }

  add(fd: number): void {
    this.#open[fd] = 1;
  }

  isAllowed(fd: number): boolean {
    return fd < this.limit;
  }

  close(fd: number): void {
    this.#open[fd] = 0;
    this.#calls.close(fd);
  }

  /** Removes and returns all registered descriptors, without closing them. */
  *takeAll(): Generator<number> {
    for (let fd = this.#open.indexOf(1); fd >= 0; fd = this.#open.indexOf(1, fd)) {
      this.#open[fd] = 0;
      yield fd;
    }
  }
}

export class CounterTable {
  readonly #values: Float64Array;

  constructor(readonly memory: SharedArrayBuffer = new SharedArrayBuffer(8 * countFields.length * maxDescriptors)) {
    this.#values = new Float64Array(memory);
  }

  of(fd: number): Counters {
    return new Counters(this.#values, fd * countFields.length);
  }
}
