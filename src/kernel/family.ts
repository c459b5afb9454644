/** AF_INET and AF_INET6, sys/socket.h. */
import type { Family } from '../values/address.ts';

export function addressFamily(family: Family): number {
  return family === 4 ? 2 : 10;
}
