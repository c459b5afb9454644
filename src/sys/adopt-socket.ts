/**
 * A socket that another program has made and bound, and that is to be served here.
 *
 * @see SO_TYPE, SO_DOMAIN and SO_PROTOCOL in socket(7); O_NONBLOCK in fcntl(2)
 */
import type { Family } from '../values/address.ts';
import { type Protocol, protocolNumbers } from '../values/port.ts';
import { getOption, setOption } from './inet-socket.ts';
import { call } from './libc.ts';

const F_GETFL = 3;
const F_SETFL = 4;
const O_NONBLOCK = 0o4000;

const domains: Readonly<Record<Family, number>> = { 4: 2, 6: 10 };

/** Is it a socket of this family and protocol? @throws KernelError ENOTSOCK, EBADF */
export function isSocketOf(fd: number, protocol: Protocol, family: Family): boolean {
  return getOption(fd, 'domain') === domains[family] && getOption(fd, 'protocol') === protocolNumbers[protocol];
}

/**
 * Makes it behave as our own: no call of it waits, and of datagrams it tells at which address they arrived.
 *
 * Whether calls wait is a thing of the open file, and so changes for the other program, too.
 */
export function prepareForeign(fd: number, protocol: Protocol, family: Family): void {
  const flags = call('get descriptor flags', 'int fcntl(int, int)', fd, F_GETFL);
  call('set descriptor flags', 'int fcntl(int, int, ...)', fd, F_SETFL, 'int', flags | O_NONBLOCK);
  if (protocol === 'udp') setOption(fd, family === 4 ? 'packetInformation' : 'packetInformation6');
}
