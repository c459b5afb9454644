/** Checks that the kernel allows the system calls of the worker. A seccomp profile may refuse calls that the kernel has. */
import { closeSync } from 'node:fs';
import { endianness } from 'node:os';
import { Epoll } from '../../../sys/epoll.ts';
import { errnoName } from '../../../sys/libc.ts';
import { PipeCalls } from '../../../sys/pipe.ts';
import { EAGAIN } from '../../../sys/system-calls.ts';
import { GangwayError, KernelError } from '../../../values/errors.ts';

/**
 * Watches an empty pipe, and splices from it.
 *
 * @throws GangwayError not-supported with the first call that is refused, or on a big-endian machine
 */
export function requireKernelSupport(): void {
  if (endianness() !== 'LE')
    throw new GangwayError('not-supported', 'cannot publish ports: this machine is big-endian', {
      hint: 'use a little-endian machine, such as amd64 or arm64',
    });
  try {
    tryCalls();
  } catch (error) {
    // Too many open files, say: not a lack of support.
    if (!(error instanceof KernelError) || !refusals.includes(error.errno)) throw error;
    throw new GangwayError('not-supported', `cannot publish ports: the kernel refuses ${error.message}`, {
      hint: 'allow epoll_ctl, epoll_wait, pipe2 and splice in the seccomp profile of this process',
      cause: error,
    });
  }
}

const refusals = ['EPERM', 'EACCES', 'ENOSYS', 'EINVAL'];

function tryCalls(): void {
  const epoll = new Epoll();
  const open: number[] = [epoll.fd];
  try {
    const calls = new PipeCalls();
    const [from, to] = [calls.open(), calls.open()];
    open.push(from.reader, from.writer, to.reader, to.writer);
    epoll.add(from.reader, 0, 0);
    epoll.wait(0);
    const errno = -calls.fill(to, from.reader);
    if (errno !== EAGAIN) throw new KernelError('splice', errnoName(errno));
  } finally {
    for (const fd of open) closeSync(fd);
  }
}
