/**
 * Waiting for the end of a process that is nobody's child here.
 *
 * A pidfd stays with its one process, also when the number goes to another, and becomes readable when it ends, which
 * wakes the loop like any other descriptor. No polling.
 *
 * @see pidfd_open(2)
 */
import { closeSync } from 'node:fs';
import { hasErrno, ignoring } from '../values/errors.ts';
import { adoptDescriptor } from './adopted-descriptor.ts';
import { call } from './libc.ts';
import { type Watch, whenReadable } from './readiness.ts';

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

/** A process that is held: whatever is asked of it reaches it, and never one that has its number by now. */
export class HeldProcess {
  #end: Watch | undefined;

  private constructor(
    readonly pid: number,
    readonly fd: number,
  ) {}

  /** @returns undefined if there is no such process. @throws KernelError EMFILE */
  static hold(pid: number): HeldProcess | undefined {
    const fd = openPidfd(pid);
    return fd === undefined ? undefined : new HeldProcess(pid, fd);
  }

  /** Calls `callback` once, in a turn of its own, when it has ended. */
  onEnd(callback: () => void): void {
    this.#end = whenReadable(this.fd, () => {
      this.#end?.close();
      this.#end = undefined;
      setImmediate(callback);
    });
  }

  /** Sends a signal. To one who has ended is success. @throws KernelError EPERM */
  signal(number: number): void {
    const prototype = 'int pidfd_send_signal(int fd, int signal, void *information, unsigned int flags)';
    ignoring('ESRCH', () => call(`signal ${number} to ${this.pid}`, prototype, this.fd, number, null, 0));
  }

  /**
   * A copy of one of its descriptors, of whatever kind: the same open file, which both have from now on. The caller closes it.
   *
   * @throws KernelError EBADF if it has no such descriptor, ESRCH if it has ended, EMFILE; EPERM where tracing is forbidden
   * @see pidfd_getfd(2)
   */
  takeDescriptor(number: number): number {
    const prototype = 'int pidfd_getfd(int fd, int number, unsigned int flags)';
    return call(`take descriptor ${number} of ${this.pid}`, prototype, this.fd, number, 0);
  }

  close(): void {
    this.#end?.close();
    this.#end = undefined;
    closeSync(this.fd);
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
