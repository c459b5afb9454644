/**
 * Staying awake for a moment before falling asleep.
 *
 * Theory of operation. Who asks and answers in turn, over one connection, wakes the loop twice for each question, and waking is
 * most of what a question costs: the processor comes out of its idle state, the scheduler places the thread. So where events
 * follow each other closely, the loop looks a few times more before it sleeps.
 *
 * Whether that is worth while shows by itself: each event that came soon is a credit, each look in vain takes credits away. A
 * quiet loop has none and sleeps at once. Where a look took long, somebody else had the processor; then the processors are
 * wanted for other things, and all credit is gone.
 *
 * It does not yield between its looks (sched_yield(2)): where others wait for the processor, the scheduler lets who yields pay
 * with its whole slice, and a few of those made an answer wait for 80 ms.
 */

/** How long it stays awake, and how soon an event has to come for it to have been worth while. */
const vigilMilliseconds = 0.05;

/** A look that lasts longer: somebody else had the processor. */
const lostMilliseconds = 0.03;

const mostCredit = 16;

export class Vigil {
  #credit = 0;

  /** @returns how many events `look` found before it was time to sleep; 0 without a look where that is not worth while */
  keep(look: () => number): number {
    if (this.#credit <= 0) return 0;
    const begun = performance.now();
    for (let last = begun; last - begun < vigilMilliseconds; ) {
      const count = look();
      if (count > 0) return count;
      const now = performance.now();
      if (now - last > lostMilliseconds) {
        this.#credit = 0;
        return 0;
      }
      last = now;
    }
    this.#credit = Math.max(0, this.#credit - 4);
    return 0;
  }

  /** After a sleep. */
  slept(milliseconds: number): void {
    if (milliseconds < 2 * vigilMilliseconds) this.#credit = Math.min(this.#credit + 1, mostCredit);
  }
}
