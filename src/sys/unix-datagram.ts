/**
 * One datagram to a Unix socket, for which Node has no word.
 *
 *     printf %s TEXT | socat - UNIX-SENDTO:PATH
 *
 * @see unix(7), sendto(2)
 */
import { closeSync } from 'node:fs';
import { call } from './libc.ts';
import { AF_UNIX, unixAddress } from './unix-address.ts';

const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_NOSIGNAL = 0x4000;

/** @throws KernelError ECONNREFUSED, ENOENT if nobody is there */
export function sendDatagram(path: string, text: string): void {
  const fd = call('open a socket', 'int socket(int, int, int)', AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  try {
    const [message, address] = [Buffer.from(text), unixAddress(path)];
    const sendto = 'long sendto(int, const void *, size_t, int, const void *, unsigned int)';
    call(`write to ${path}`, sendto, fd, message, message.length, MSG_NOSIGNAL, address, address.length);
  } finally {
    closeSync(fd);
  }
}
