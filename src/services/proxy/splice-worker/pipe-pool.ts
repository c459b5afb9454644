/**
 * The pipes through which streams are spliced. A direction takes a pipe when a stream starts to flow, and releases it when the
 * stream stops, so idle connections have none. docker-proxy keeps two pipes for each connection.
 */
import { type Pipe, PipeCalls } from '../../../sys/pipe.ts';
import { KernelError } from '../../../values/errors.ts';
import type { FdRegistry } from './shared-tables.ts';

/** Free pipes that are kept open. */
const spare = 16;

/** A pipe with a slow reader holds a megabyte of kernel memory. Further streams are copied, 64 KiB at a time. */
const most = 256;

export class PipePool {
  readonly calls = new PipeCalls();
  readonly #free: Pipe[] = [];
  #count = 0;

  constructor(readonly descriptors: FdRegistry) {}

  /** @returns undefined if all pipes are in use, or no descriptor is left: the caller copies instead */
  take(): Pipe | undefined {
    return this.#free.pop() ?? (this.#count < most ? this.#open() : undefined);
  }

  release(pipe: Pipe): void {
    // A pipe that is not empty has data of a connection that was reset.
    if (pipe.held === 0 && this.#free.length < spare) this.#free.push(pipe);
    else this.#close(pipe);
  }

  #open(): Pipe | undefined {
    try {
      const pipe = this.calls.open();
      this.#count++;
      this.descriptors.add(pipe.reader);
      this.descriptors.add(pipe.writer);
      if (this.descriptors.isAllowed(pipe.reader) && this.descriptors.isAllowed(pipe.writer)) return pipe;
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
