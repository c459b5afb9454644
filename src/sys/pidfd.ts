/**
 * Waiting for the end of a process that is nobody's child here.
 *
 * A pidfd stays with its one process, also when the number goes to another, and becomes readable when it ends, which
 * wakes the loop like any other descriptor. No polling.
 *
 * @see pidfd_open(2)
 */
import { closeSync } from 'node:fs';
import { hasErrno } from '../values/errors.ts';
import { adoptDescriptor } from './adopted-descriptor.ts';
import { call } from './libc.ts';

const PIDFD_NONBLOCK = 0o4000;

/** A watch over one process. Closing it lets this program end; `ended` then never settles. */
export interface ProcessWatch {
  readonly ended: Promise<void>;
  close(): void;
}

/**
 * Watches the process that has this number now, until it ends. Whether it is the one that was meant has to be asked
 * after this call: then the answer holds.
 *
 * Nothing can be read from a pidfd: the read that the loop tries once it is readable fails with EINVAL, and that
 * failure is the message.
 *
 * @throws KernelError EMFILE
 */
export function watchProcess(pid: number): ProcessWatch {
  const fd = openPidfd(pid);
  if (fd === undefined) return { ended: Promise.resolve(), close: () => {} };
  try {
    const stream = adoptDescriptor(fd, { buffer: Buffer.alloc(1), callback: () => true });
    const ended = new Promise<void>((resolve) => {
      stream.once('error', () => resolve());
      stream.once('end', () => resolve());
    });
    return { ended, close: () => stream.destroy() };
  } finally {
    closeSync(fd);
  }
}

/** @returns undefined if there is no such process */
function openPidfd(pid: number): number | undefined {
  try {
    return call(`pidfd_open ${pid}`, 'int pidfd_open(int pid, unsigned int flags)', pid, PIDFD_NONBLOCK);
  } catch (error) {
    if (hasErrno(error, 'ESRCH')) return undefined;
    throw error;
  }
}
