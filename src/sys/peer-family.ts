/** The names of sockets as the kernel writes them: sockaddr_in, or sockaddr_in6. */
import type { Family } from '../values/address.ts';

const AF_INET = 2;

/** Where the address of struct sockaddr_in6 begins: behind family, port and flow label. */
const address6 = 8;
/** ::ffff:0.0.0.0/96, the first three words of it as they are read. */
const mapped = [0, 0, 0xffff0000] as const;

/** By which family a peer speaks: one of IPv4 has a name of IPv6 where the socket is of IPv6. */
export function familyOf(memory: Buffer, at = 0): Family {
  if (memory.readUInt16LE(at) === AF_INET) return 4;
  return mapped.every((word, index) => memory.readUInt32LE(at + address6 + 4 * index) === word) ? 4 : 6;
}
