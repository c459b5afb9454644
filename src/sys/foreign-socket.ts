/**
 * A socket that another program has made and bound, and that is to be served here.
 *
 * @see SO_TYPE, SO_DOMAIN and SO_PROTOCOL in socket(7); O_NONBLOCK in fcntl(2)
 */
import type { Family } from '../values/address.ts';
import type { Protocol } from '../values/port.ts';
import { call } from './libc.ts';

const SOL_SOCKET = 1;
const SO_PROTOCOL = 38;
const SO_DOMAIN = 39;
const F_GETFL = 3;
const F_SETFL = 4;
const O_NONBLOCK = 0o4000;

const domains: Readonly<Record<Family, number>> = { 4: 2, 6: 10 };
const protocols: Readonly<Record<Protocol, number>> = { tcp: 6, udp: 17 };
/** IP_PKTINFO, IPV6_RECVPKTINFO. */
const packetInformation: Readonly<Record<Family, readonly [level: number, option: number]>> = {
  4: [0, 8],
  6: [41, 49],
};

/** Is it a socket of this family and protocol? @throws KernelError ENOTSOCK, EBADF */
export function isSocketOf(fd: number, protocol: Protocol, family: Family): boolean {
  return option(fd, SO_DOMAIN) === domains[family] && option(fd, SO_PROTOCOL) === protocols[protocol];
}

/**
 * Makes it behave as our own: no call of it waits, and of datagrams it tells at which address they arrived.
 *
 * Whether calls wait is a thing of the open file, and so changes for the other program, too.
 */
export function prepareForeign(fd: number, protocol: Protocol, family: Family): void {
  const flags = call('get descriptor flags', 'int fcntl(int, int)', fd, F_GETFL);
  call('set descriptor flags', 'int fcntl(int, int, ...)', fd, F_SETFL, 'int', flags | O_NONBLOCK);
  if (protocol === 'tcp') return;
  const [level, number] = packetInformation[family];
  const prototype = 'int setsockopt(int fd, int level, int option, const void *value, uint32_t length)';
  call('set socket option', prototype, fd, level, number, Uint8Array.of(1, 0, 0, 0), 4);
}

function option(fd: number, number: number): number {
  const value = Buffer.alloc(4);
  const prototype = 'int getsockopt(int fd, int level, int option, void *value, void *length)';
  call('get socket option', prototype, fd, SOL_SOCKET, number, value, Uint8Array.of(4, 0, 0, 0));
  return value.readInt32LE();
}
