/**
 * Datagrams that wait until the loop has its turn.
 *
 * The kernel's usual queue holds 90 of 1,400 bytes; of a burst, or while the processors are busy, the rest is lost. With 900, half as
 * many again came through on a busy machine. Memory is taken by what waits, and bounded for all sockets by net.ipv4.udp_mem.
 */
import { widenReceiveBuffer } from '../../../sys/inet-socket.ts';
import { ignoring } from '../../../values/errors.ts';

/** The kernel doubles it, and counts what a datagram costs itself. */
const queueBytes = 1 << 20;

/** Where that is refused, it stays as it is. */
export function widenQueue(fd: number): void {
  ignoring('EPERM', () => widenReceiveBuffer(fd, queueBytes));
}
