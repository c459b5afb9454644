/** One after the other, in the order in which they came: the lock is for other processes, this is for one engine's calls. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work);
    // Whoever comes next waits for the end, however it was; the error is for who asked.
    this.#last = Promise.allSettled([mine]);
    return mine;
  }
}
