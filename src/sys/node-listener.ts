/** A listening socket of ours that becomes a server of Node's. */
import type { Server } from 'node:net';
import { closeSocket, listen } from './inet-socket.ts';

/**
 * The server accepts whoever comes to this socket, with a queue of `backlog`.
 *
 * Node tells by an event, when it is too late, why it can't listen, and has closed the descriptor or not, depending on that. So
 * the kernel is asked before Node is, and what it refuses Node never gets.
 *
 * @param fd a bound socket, which is the server's from now on, also if this throws: then it is closed
 * @throws KernelError EADDRINUSE if another socket listens there, EOPNOTSUPP if it is none for connections
 */
export function acceptOn(server: Server, fd: number, backlog: number): void {
  try {
    listen(fd, backlog);
  } catch (error) {
    closeSocket(fd);
    throw error;
  }
  server.listen({ fd });
  if (!server.listening) throw new Error(`Node does not listen on descriptor ${fd}`);
  try {
    // Node has listened again, with a queue of 511, whatever it is told.
    listen(fd, backlog);
  } catch (error) {
    server.close();
    throw error;
  }
}
