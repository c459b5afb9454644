/**
 * A listener that somebody else has ended.
 *
 * Whoever rules a network namespace may destroy each of its sockets (SOCK_DESTROY; `ss -K`). What is left of one that listened is
 * always ready and never has a client, so who waits for one is woken for ever. But it is bound as before, and can listen again.
 *
 * @see tcp_abort() and tcp_disconnect() in net/ipv4/tcp.c
 */
import { listen, longestBacklog } from './inet-socket.ts';
import { call } from './libc.ts';

/** struct sockaddr of the family that is none, AF_UNSPEC: to connect to it is to disconnect. */
const nobody = new Uint8Array(16);

/**
 * Disconnected first: it was shut down in both directions, and so would be whoever it accepts.
 *
 * @throws KernelError EADDRINUSE if another socket listens there meanwhile, which SO_REUSEADDR lets it
 */
export function listenAgain(fd: number): void {
  call('disconnect', 'int connect(int fd, const void *address, uint32_t length)', fd, nobody, nobody.length);
  listen(fd, longestBacklog);
}
