/**
 * The engine's loop: waits for events, hands each to whom it concerns, and sees to what was put off.
 *
 * Theory of operation. One thread, one sleep:
 *
 *     ┌─> epoll_wait ──> each event to its watcher ──> whoever had not finished goes on ──> what is due by time ─┐
 *     └──────────────────────────────────────────────────────────────────────────────────────────────────────────┘
 *
 * Connections are watched by edge, so an event is told once. A connection that has much to carry stops after its turn, for
 * the others' sake, and must be remembered: `again` lets it go on when all others have had theirs, and while there are such,
 * nobody sleeps.
 */
import { Epoll } from '../../../sys/epoll.ts';
import { ignoring } from '../../../values/errors.ts';
import { Vigil } from './busy-poll.ts';

/** Who is told of a descriptor's events. */
export interface Watcher {
  ready(events: number): void;
}

export interface Continued {
  /** Goes on where it stopped. */
  proceed(): void;
}

export interface Timer {
  readonly at: number;
  readonly action: () => void;
}

interface Registration {
  readonly key: number;
  watcher: Watcher;
}

export class Loop {
  /** When the last events came, in milliseconds of the monotonic clock. */
  now = performance.now();
  readonly #epoll: Epoll;
  readonly #vigil = new Vigil();
  readonly #look = () => this.#epoll.wait(0);
  readonly #registrations: (Registration | undefined)[] = [];
  readonly #timers = new Set<Timer>();
  #nextTimer = Number.POSITIVE_INFINITY;
  #unfinished: Continued[] = [];
  #key = 0;

  /** @param epoll in which another thread may begin and end a watch, too */
  constructor(epoll = new Epoll()) {
    this.#epoll = epoll;
  }

  /** @param events by edge, or as long as they last @throws KernelError ENOMEM, ENOSPC */
  watch(fd: number, events: number, watcher: Watcher): void {
    this.#key = (this.#key + 1) | 0;
    this.#epoll.add(fd, events, this.#key);
    this.attend(fd, this.#key, watcher);
  }

  /** The same of what another thread has begun to watch. */
  attend(fd: number, key: number, watcher: Watcher): void {
    this.#registrations[fd] = { key, watcher };
  }

  /** Somebody else is told from now on. */
  hand(fd: number, watcher: Watcher): void {
    const registration = this.#registrations[fd];
    if (registration !== undefined) registration.watcher = watcher;
  }

  /** Other events, or `edge` for none for a while. What was vacated meanwhile is watched no more, and its watcher will hear of it. */
  change(fd: number, events: number): void {
    const { key } = this.#registrations[fd] ?? {};
    if (key !== undefined) ignoring('ENOENT', () => this.#epoll.change(fd, events, key));
  }

  /** To be called before the descriptor is closed, by which the kernel forgets it. What was vacated it has forgotten already. */
  forget(fd: number): void {
    this.#registrations[fd] = undefined;
  }

  again(unfinished: Continued): void {
    this.#unfinished.push(unfinished);
  }

  after(milliseconds: number, action: () => void): Timer {
    const timer = { at: this.now + milliseconds, action };
    this.#timers.add(timer);
    this.#nextTimer = Math.min(this.#nextTimer, timer.at);
    return timer;
  }

  cancel(timer: Timer): void {
    this.#timers.delete(timer);
  }

  /** @returns when `ended` says so, which is asked before each sleep */
  run(ended: () => boolean): void {
    while (!ended()) {
      const count = this.#wait();
      this.now = performance.now();
      for (let index = 0; index < count; index++) this.#dispatch(index);
      this.#continue();
      if (this.now >= this.#nextTimer) this.#expire();
    }
  }

  #wait(): number {
    const patience = this.#patience();
    if (patience === 0) return this.#epoll.wait(0);
    const found = this.#vigil.keep(this.#look);
    if (found > 0) return found;
    const begun = performance.now();
    const count = this.#epoll.wait(patience);
    this.#vigil.slept(performance.now() - begun);
    return count;
  }

  #dispatch(index: number): void {
    const registration = this.#registrations[this.#epoll.descriptor(index)];
    if (registration?.key === this.#epoll.key(index)) registration.watcher.ready(this.#epoll.events(index));
  }

  #continue(): void {
    if (this.#unfinished.length === 0) return;
    const unfinished = this.#unfinished;
    this.#unfinished = [];
    for (const each of unfinished) each.proceed();
  }

  #patience(): number {
    if (this.#unfinished.length > 0) return 0;
    if (this.#nextTimer === Number.POSITIVE_INFINITY) return -1;
    return Math.max(0, Math.ceil(this.#nextTimer - performance.now()));
  }

  #expire(): void {
    const due = [...this.#timers].filter(({ at }) => at <= this.now).toSorted((a, b) => a.at - b.at);
    for (const timer of due) this.#timers.delete(timer);
    this.#nextTimer = Math.min(Number.POSITIVE_INFINITY, ...[...this.#timers].map(({ at }) => at));
    for (const { action } of due) action();
  }
}
