/** Connecting in the name of a client, for Node's own sockets, which can't be told so. */
import { Socket } from 'node:net';
import { appearAs, closeSocket, connect, type Endpoint, openStream } from '../../sys/inet-socket.ts';
import { StreamOptions } from '../../sys/tcp-options.ts';
import type { Address } from '../../values/address.ts';
import { ignoring } from '../../values/errors.ts';
import { returningMark } from '../../values/firewall-mark.ts';

/**
 * @param source whose name it is
 * @returns a socket that connects, and tells of it by nothing but that it can be written and read, or breaks
 * @throws KernelError EPERM without CAP_NET_ADMIN, EMFILE
 */
export function connectFrom(source: Address, target: Endpoint, synRetries: number): Socket {
  const fd = openStream(target.address.family);
  try {
    appearAs(fd, source, returningMark);
    const options = new StreamOptions(synRetries);
    options.prepare(fd);
    options.limitTries(fd);
    ignoring('EINPROGRESS', () => connect(fd, target));
    return new Socket({ fd, allowHalfOpen: true });
  } catch (error) {
    closeSocket(fd);
    throw error;
  }
}
