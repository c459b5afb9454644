/**
 * epoll(7): which of many descriptors have something to do.
 *
 * A descriptor's number is given again as soon as it is closed, and events of the old file may still lie in the list that
 * was just fetched. So each registration bears a key beside the number, and whoever dispatches compares it.
 *
 * @see struct epoll_event in epoll_ctl(2): packed on x86-64, and there alone
 */
import { closeSync } from 'node:fs';
import { KernelError } from '../values/errors.ts';
import { call, errnoName } from './libc.ts';
import { addressOf, EINTR, lastErrno, type SystemCalls, systemCalls } from './system-calls.ts';

export const readable = 0x001;
/** Something out of band has come (PRI). */
export const urgent = 0x002;
export const writable = 0x004;
/** The socket has an error: it was reset, or its connection was refused. */
export const failed = 0x008;
/** Both directions are closed. */
export const hungUp = 0x010;
/** The peer sends no more (RDHUP). */
export const peerEnded = 0x2000;
/** An event for each change, and not for as long as it lasts. */
export const edge = 1 << 31;

const EPOLL_CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLL_CTL_MOD = 3;
const EFD_NONBLOCK_CLOEXEC = 0o2004000;

/** struct epoll_event { u32 events; u64 data }, of which the data's halves are ours: number and key. */
const layout = process.arch === 'x64' ? { size: 12, fd: 4, key: 8 } : { size: 16, fd: 8, key: 12 };

/** Events that are fetched at once. */
const capacity = 256;

export class Epoll {
  readonly #calls: SystemCalls = systemCalls();
  readonly #errno = lastErrno();
  /** One event for epoll_ctl, and then those that were fetched. */
  readonly #memory = Buffer.from(new ArrayBuffer(layout.size * (1 + capacity)));
  readonly #view = new DataView(this.#memory.buffer);
  readonly #one = addressOf(this.#memory);
  readonly #fetched = this.#one + layout.size;

  /** @param fd of one that another thread has made. Default: a new one @throws KernelError EMFILE */
  constructor(readonly fd: number = call('epoll_create1', 'int epoll_create1(int)', EPOLL_CLOEXEC)) {}

  /** @throws KernelError ENOMEM, ENOSPC beyond fs.epoll.max_user_watches */
  add(fd: number, events: number, key: number): void {
    this.#control(EPOLL_CTL_ADD, fd, events, key);
  }

  /**
   * Errors are reported whatever is asked for; where that is nothing but `edge`, once.
   *
   * @throws KernelError ENOENT if it is not watched
   */
  change(fd: number, events: number, key: number): void {
    this.#control(EPOLL_CTL_MOD, fd, events, key);
  }

  /**
   * Watches it no more, whichever thread waits. Closing does the same only where nobody else has the same file open: another
   * process with a copy of a socket keeps it watched, under a number that stands for something else by then.
   *
   * @throws KernelError ENOENT if it is not watched
   */
  remove(fd: number): void {
    this.#control(EPOLL_CTL_DEL, fd, 0, 0);
  }

  #control(operation: number, fd: number, events: number, key: number): void {
    this.#view.setInt32(0, events, true);
    this.#view.setInt32(layout.fd, fd, true);
    this.#view.setInt32(layout.key, key, true);
    if (this.#calls.epoll_ctl(this.fd, operation, fd, this.#one) < 0)
      throw new KernelError(`watch descriptor ${fd}`, errnoName(this.#errno()));
  }

  /**
   * Sleeps until there are events.
   *
   * @param timeoutMilliseconds -1: for ever
   * @returns how many were fetched; `events`, `descriptor` and `key` tell the rest, until the next call
   */
  wait(timeoutMilliseconds: number): number {
    const count = this.#calls.epoll_wait(this.fd, this.#fetched, capacity, timeoutMilliseconds);
    if (count >= 0) return count;
    const errno = this.#errno();
    if (errno === EINTR) return 0;
    throw new KernelError('epoll_wait', errnoName(errno));
  }

  events(index: number): number {
    return this.#view.getInt32(layout.size * (1 + index), true);
  }

  descriptor(index: number): number {
    return this.#view.getInt32(layout.size * (1 + index) + layout.fd, true);
  }

  key(index: number): number {
    return this.#view.getInt32(layout.size * (1 + index) + layout.key, true);
  }

  close(): void {
    closeSync(this.fd);
  }
}

/**
 * A bell between threads (eventfd(2)): `ring` makes its descriptor readable. Watched by edge, it need not be read: each
 * stroke is an event.
 *
 * @throws KernelError EMFILE
 */
export function openBell(): number {
  return call('eventfd', 'int eventfd(unsigned int, int)', 0, EFD_NONBLOCK_CLOEXEC);
}

export function ring(bell: number): void {
  call('ring', 'int eventfd_write(int, uint64_t)', bell, 1);
}
