/**
 * flock(2): a lock that the kernel releases when its holder ends, however it ends.
 *
 * @see flock(2)
 */
import { closeSync, constants, openSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { hasErrno } from '../values/errors.ts';
import { call } from './libc.ts';

const LOCK_EX = 2;
const LOCK_NB = 4;
/** A change takes some ten milliseconds. */
const retryMilliseconds = 2;
const prototype = 'int flock(int fd, int operation)';

/** A held lock. Closing the file lets it go. */
export interface Lock {
  release(): void;
}

/**
 * Takes the lock if it is free.
 *
 * @returns undefined while somebody else holds it
 */
export function tryLock(path: string): Lock | undefined {
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    if (lockNow(path, fd)) return { release: () => closeSync(fd) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  closeSync(fd);
  return undefined;
}

/**
 * Waits for the lock, however long its holder works.
 *
 * It asks again and again. A flock(2) that sleeps would be woken in turn, but sleeps on one of the four threads of
 * libuv's pool: with four who wait in one process none is left for what the holder does, and all wait for ever.
 *
 * @throws AbortError if the signal says so before it has the lock
 */
export async function lockEventually(path: string, signal?: AbortSignal): Promise<Lock> {
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    signal?.throwIfAborted();
    while (!lockNow(path, fd)) await setTimeout(retryMilliseconds, undefined, { signal });
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return { release: () => closeSync(fd) };
}

/**
 * Waits for the lock of an open file, asleep in the kernel. It goes with the descriptor.
 *
 * For files that are locked for a write and no longer: the whole thread sleeps.
 */
export function lockDescriptor(fd: number, path: string): void {
  call(`lock ${path}`, prototype, fd, LOCK_EX);
}

/** @returns whether it was free */
function lockNow(path: string, fd: number): boolean {
  try {
    call(`lock ${path}`, prototype, fd, LOCK_EX | LOCK_NB);
    return true;
  } catch (error) {
    if (hasErrno(error, 'EWOULDBLOCK', 'EAGAIN')) return false;
    throw error;
  }
}
