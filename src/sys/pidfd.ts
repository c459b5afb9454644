/**
 * Waiting for the end of a process that is nobody's child here.
 *
 * A pid may be given to another process as soon as its own is gone, so a process is known by its pid and the time of
 * its start. A pidfd then stays with that one process: it becomes readable when the process ends, which wakes the loop
 * like any other descriptor. No polling.
 *
 * @see pidfd_open(2), field 22 in proc_pid_stat(5)
 */
import { closeSync, readFileSync } from 'node:fs';
import { hasErrno, ignoring } from '../values/errors.ts';
import { adoptDescriptor } from './adopted-descriptor.ts';
import { call } from './libc.ts';

const PIDFD_NONBLOCK = 0o4000;

/** One process, and never another one with the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** In clock ticks since boot. */
  readonly startTime: number;
}

/**
 * When the process with this pid started, in clock ticks since boot; undefined if there is none.
 *
 *     awk '{print $22}' /proc/PID/stat
 */
export function startTimeOf(pid: number): number | undefined {
  const stat = ignoring(['ENOENT', 'ESRCH'], () => readFileSync(`/proc/${pid}/stat`, 'latin1'));
  if (stat === undefined) return undefined;
  // The second field is the program's name in parentheses, and may itself hold blanks and parentheses.
  const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return state === 'Z' || state === 'X' ? undefined : Number(fields[18]);
}

/** Is it still there, and not only its pid? */
export function isAlive(identity: ProcessIdentity): boolean {
  return startTimeOf(identity.pid) === identity.startTime;
}

/** A watch over one process. Closing it lets this program end; `ended` then never settles. */
export interface ProcessWatch {
  readonly ended: Promise<void>;
  close(): void;
}

/**
 * Watches a process until it ends.
 *
 * Nothing can be read from a pidfd: the read that the loop tries once it is readable fails with EINVAL, and that
 * failure is the message.
 *
 * @throws KernelError EMFILE
 */
export function watchProcess(identity: ProcessIdentity): ProcessWatch {
  const fd = openPidfd(identity);
  if (fd === undefined) return { ended: Promise.resolve(), close: () => {} };
  try {
    const buffer = Buffer.alloc(1);
    const stream = adoptDescriptor(fd, { buffer, callback: () => true });
    const ended = new Promise<void>((resolve) => {
      stream.once('error', () => resolve());
      stream.once('end', () => resolve());
    });
    return { ended, close: () => stream.destroy() };
  } finally {
    closeSync(fd);
  }
}

function openPidfd(identity: ProcessIdentity): number | undefined {
  try {
    const fd = call(
      `pidfd_open ${identity.pid}`,
      'int pidfd_open(int pid, unsigned int flags)',
      identity.pid,
      PIDFD_NONBLOCK,
    );
    if (isAlive(identity)) return fd;
    closeSync(fd);
    return undefined;
  } catch (error) {
    if (hasErrno(error, 'ESRCH')) return undefined;
    throw error;
  }
}
