/**
 * What all ports of the engine have carried, in memory that both threads see.
 *
 * Each port has its place by the descriptor of its listener. Pages that were never written cost nothing, so of thousands of ports
 * those take memory that somebody has asked.
 */
import { Counters, countFields } from '../counters.ts';
import { mostDescriptors } from './fd-registry.ts';

export class CounterTable {
  readonly #values: Float64Array;

  constructor(readonly memory: SharedArrayBuffer = new SharedArrayBuffer(8 * countFields.length * mostDescriptors)) {
    this.#values = new Float64Array(memory);
  }

  of(fd: number): Counters {
    return new Counters(this.#values, fd * countFields.length);
  }
}
