/**
 * A listening Unix socket whose file is the caller's to remove: Node removes what it has made, by its name, also when somebody
 * has put another file there since.
 *
 *     socat UNIX-LISTEN:PATH -
 *
 * @see unix(7), listen(2)
 */
import { closeSync } from 'node:fs';
import { call } from './libc.ts';
import { AF_UNIX, unixAddress } from './unix-address.ts';

const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;
/** The kernel takes less where net.core.somaxconn is less. */
const mostWaiting = 4096;

/** @returns its descriptor, for `server.listen({ fd })` @throws KernelError EADDRINUSE where there is such a file */
export function listenAt(path: string): number {
  const fd = call('open a socket', 'int socket(int, int, int)', AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  try {
    const address = unixAddress(path);
    call(`bind to ${path}`, 'int bind(int, const void *, unsigned int)', fd, address, address.length);
    call(`listen at ${path}`, 'int listen(int, int)', fd, mostWaiting);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}
