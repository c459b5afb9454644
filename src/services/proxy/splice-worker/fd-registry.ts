/**
 * Which descriptors the engine's thread has opened, in memory that outlives it.
 *
 * A thread that dies leaves its descriptors open: clients would hang on connections that nobody carries. Who starts the next
 * one closes them first. A byte for each descriptor; pages of the memory that are never touched cost nothing.
 */

/** No connection gets a descriptor beyond it. */
export const mostDescriptors = 1 << 20;

export class Ledger {
  readonly #owned: Uint8Array;

  constructor(readonly memory: SharedArrayBuffer = new SharedArrayBuffer(mostDescriptors)) {
    this.#owned = new Uint8Array(memory);
  }

  add(fd: number): void {
    this.#owned[fd] = 1;
  }

  remove(fd: number): void {
    this.#owned[fd] = 0;
  }

  /** All of them, which count as removed. */
  *clear(): Generator<number> {
    for (let fd = this.#owned.indexOf(1); fd >= 0; fd = this.#owned.indexOf(1, fd)) {
      this.#owned[fd] = 0;
      yield fd;
    }
  }
}
