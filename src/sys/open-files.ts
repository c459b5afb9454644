/**
 * How many files a process may have open, which counts sockets too.
 *
 * Node raises the soft limit to the hard one when it starts; the hard one is often far below what the kernel allows.
 *
 * @see RLIMIT_NOFILE in setrlimit(2), /proc/sys/fs/nr_open in proc_sys_fs(5)
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { ignoring } from '../values/errors.ts';
import { call } from './libc.ts';

const RLIMIT_NOFILE = 7;

/** One more than the highest descriptor that this process may get. */
export function openFileLimit(): number {
  const [, soft] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? [];
  return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
}

/** How many descriptors this process has open. */
export function openFiles(): number {
  // Since Linux 6.2 the directory's size is the answer; before, it is nothing. To read it takes a second of a thousand ports.
  const { size } = statSync('/proc/self/fd');
  if (size > 0) return size;
  // One of them is the directory that is being read.
  return readdirSync('/proc/self/fd').length - 1;
}

/**
 * Raises this process's limit to the kernel's own. Without CAP_SYS_RESOURCE it stays as it is.
 *
 *     ulimit -n "$(cat /proc/sys/fs/nr_open)"
 */
export function raiseOpenFileLimit(): void {
  const highest = BigInt(readFileSync('/proc/sys/fs/nr_open', 'latin1').trim());
  const limit = Buffer.alloc(16);
  limit.writeBigUInt64LE(highest, 0);
  limit.writeBigUInt64LE(highest, 8);
  ignoring('EPERM', () => setLimit(limit));
}

/** What `raiseOpenFileLimit` would come to, for the processes that are started from here. It stays as it is. */
export function highestOpenFileLimit(): number {
  const before = Buffer.alloc(16);
  call('get limit of open files', 'int getrlimit(int resource, void *limit)', RLIMIT_NOFILE, before);
  raiseOpenFileLimit();
  const highest = openFileLimit();
  setLimit(before);
  return highest;
}

/** @param limit struct rlimit { u64 soft, hard } */
function setLimit(limit: Buffer): void {
  call('set limit of open files', 'int setrlimit(int resource, const void *limit)', RLIMIT_NOFILE, limit);
}
