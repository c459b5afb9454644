/**
 * The engine's pipes: opened when a stream begins to flow, given back when it stops. An idle connection has none.
 *
 * docker-proxy keeps two for each connection, as long as it lives.
 */
import { type Pipe, PipeCalls } from '../../../sys/pipe.ts';
import { KernelError } from '../../../values/errors.ts';
import type { Descriptors } from './descriptors.ts';

/** Pipes that are kept for the next stream. */
const spare = 16;

/** A pipe whose reader is slow holds a megabyte of the kernel's memory. Streams beyond these do with copies of 64 KiB. */
const most = 256;

export class PipePool {
  readonly calls = new PipeCalls();
  readonly #free: Pipe[] = [];
  #count = 0;

  constructor(readonly descriptors: Descriptors) {}

  /** @returns undefined where there are too many, or descriptors ran out: a stream can do without */
  take(): Pipe | undefined {
    return this.#free.pop() ?? (this.#count < most ? this.#open() : undefined);
  }

  give(pipe: Pipe): void {
    // What is left in it belongs to a connection that broke off.
    if (pipe.held === 0 && this.#free.length < spare) this.#free.push(pipe);
    else this.#close(pipe);
  }

  #open(): Pipe | undefined {
    try {
      const pipe = this.calls.open();
      this.#count++;
      this.descriptors.own(pipe.reader);
      this.descriptors.own(pipe.writer);
      if (this.descriptors.allow(pipe.reader) && this.descriptors.allow(pipe.writer)) return pipe;
      this.#close(pipe);
      return undefined;
    } catch (error) {
      if (error instanceof KernelError) return undefined;
      throw error;
    }
  }

  #close(pipe: Pipe): void {
    this.#count--;
    this.descriptors.close(pipe.reader);
    this.descriptors.close(pipe.writer);
  }
}
