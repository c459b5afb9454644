/** Does this kernel, as far as this process may use it, have what the engine of published ports needs? */
import { closeSync } from 'node:fs';
import { KernelError } from '../values/errors.ts';
import { Epoll } from './epoll.ts';
import { errnoName } from './libc.ts';
import { PipeCalls } from './pipe.ts';
import { EAGAIN } from './system-calls.ts';

/**
 * Watches a pipe, and splices from it while it is empty.
 *
 * @throws KernelError with the first call that is refused
 */
export function probeEngine(): void {
  const epoll = new Epoll();
  const calls = new PipeCalls();
  const [from, to] = [calls.open(), calls.open()];
  try {
    epoll.add(from.reader, 0, 0);
    epoll.wait(0);
    const errno = -calls.fill(to, from.reader);
    if (errno !== EAGAIN) throw new KernelError('splice', errnoName(errno));
  } finally {
    epoll.close();
    for (const { reader, writer } of [from, to]) {
      closeSync(reader);
      closeSync(writer);
    }
  }
}
