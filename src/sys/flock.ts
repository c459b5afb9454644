/**
 * flock(2): a lock that the kernel releases when its holder ends, however it ends.
 *
 * @see flock(2)
 */
import { closeSync, constants, openSync } from 'node:fs';
import { hasErrno } from '../values/errors.ts';
import { call, callEventually } from './libc.ts';

const LOCK_EX = 2;
const LOCK_NB = 4;
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
    call(`lock ${path}`, prototype, fd, LOCK_EX | LOCK_NB);
  } catch (error) {
    closeSync(fd);
    if (hasErrno(error, 'EWOULDBLOCK', 'EAGAIN')) return undefined;
    throw error;
  }
  return { release: () => closeSync(fd) };
}

/**
 * Waits for the lock, however long its holder works, without stopping the event loop: the wait is a flock(2) that
 * sleeps on a thread of libuv's pool. The one call of this folder that may: a file lock knows nothing of namespaces.
 */
export async function lockEventually(path: string): Promise<Lock> {
  const free = tryLock(path);
  if (free !== undefined) return free;
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    await callEventually(`lock ${path}`, 'EINTR', prototype, fd, LOCK_EX);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return { release: () => closeSync(fd) };
}
