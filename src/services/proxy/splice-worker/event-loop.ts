/**
 * The event loop of the worker's thread.
 *
 *     ┌─> epoll_wait ──> events to their handlers ──> deferred tasks ──> expired timers ─┐
 *     └──────────────────────────────────────────────────────────────────────────────────┘
 *
 * Connections are watched edge-triggered, so each event is reported once. A connection with much data stops after its turn, so
 * that other connections get theirs, and calls `defer` to continue later. The loop does not sleep while tasks are deferred.
 */
import { Epoll } from '../../../sys/epoll.ts';
import { ignoring } from '../../../values/errors.ts';
import { BusyPoll } from './busy-poll.ts';

/** Handles the events of a descriptor. */
export interface EventHandler {
  onEvents(events: number): void;
}

/** Work that continues in the next round of the loop. */
export interface Task {
  resume(): void;
}

export interface Timer {
  readonly at: number;
  readonly action: () => void;
}

interface Registration {
  readonly key: number;
  readonly handler: EventHandler;
}

/**
 * The key with which the other thread watches published ports in the same epoll instance. A port's descriptor stays open as long as
 * the worker's thread knows the port, so all ports can share a key. Descriptors of the worker's thread have other keys.
 */
export const portKey = 0;

export class EventLoop {
  /** Time of the last events, in milliseconds of the monotonic clock. */
  now = performance.now();
  readonly #busyPoll = new BusyPoll();
  readonly #check = () => this.epoll.wait(0);
  readonly #registrations: (Registration | undefined)[] = [];
  readonly #timers = new Set<Timer>();
  #nextTimer = Number.POSITIVE_INFINITY;
  #deferred: Task[] = [];
  #lastKey = portKey;

  /** @param portOf returns the handler of a published port, or undefined if the port is closed */
  constructor(
    readonly epoll = new Epoll(),
    readonly portOf: (fd: number) => EventHandler | undefined = () => undefined,
  ) {}

  /** @param events edge-triggered or not, as in src/sys/epoll.ts @throws KernelError ENOMEM, ENOSPC */
  watch(fd: number, events: number, handler: EventHandler): void {
    this.#lastKey = (this.#lastKey + 1) | 0 || 1;
    this.epoll.add(fd, events, this.#lastKey);
    this.#registrations[fd] = { key: this.#lastKey, handler };
  }

  /** Sets the events of a port's descriptor: `edge` for none. A descriptor that the other thread has unwatched stays unwatched. */
  changePort(fd: number, events: number): void {
    ignoring('ENOENT', () => this.epoll.change(fd, events, portKey));
  }

  /** Removes the handler. Must precede close(2), with which the kernel ends the watch. */
  unwatch(fd: number): void {
    this.#registrations[fd] = undefined;
  }

  defer(task: Task): void {
    this.#deferred.push(task);
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

  /** Runs until `isStopped`, which is called before each sleep, returns true. */
  run(isStopped: () => boolean): void {
    while (!isStopped()) {
      const count = this.#wait();
      this.now = performance.now();
      for (let index = 0; index < count; index++) this.#dispatch(index);
      this.#resumeDeferred();
      if (this.now >= this.#nextTimer) this.#runTimers();
    }
  }

  #wait(): number {
    const timeout = this.#timeout();
    if (timeout === 0) return this.epoll.wait(0);
    const found = this.#busyPoll.poll(this.#check);
    if (found > 0) return found;
    const start = performance.now();
    const count = this.epoll.wait(timeout);
    this.#busyPoll.recordSleep(performance.now() - start);
    return count;
  }

  #dispatch(index: number): void {
    const fd = this.epoll.descriptor(index);
    const key = this.epoll.key(index);
    const registration = this.#registrations[fd];
    const registered = registration?.key === key ? registration.handler : undefined;
    (key === portKey ? this.portOf(fd) : registered)?.onEvents(this.epoll.events(index));
  }

  #resumeDeferred(): void {
    if (this.#deferred.length === 0) return;
    const tasks = this.#deferred;
    this.#deferred = [];
    for (const task of tasks) task.resume();
  }

  #timeout(): number {
    if (this.#deferred.length > 0) return 0;
    if (this.#nextTimer === Number.POSITIVE_INFINITY) return -1;
    return Math.max(0, Math.ceil(this.#nextTimer - performance.now()));
  }

  #runTimers(): void {
    const due = [...this.#timers].filter(({ at }) => at <= this.now).toSorted((a, b) => a.at - b.at);
    for (const timer of due) this.#timers.delete(timer);
    this.#nextTimer = Math.min(Number.POSITIVE_INFINITY, ...[...this.#timers].map(({ at }) => at));
    for (const { action } of due) action();
  }
}
