/** What a relay says to the container before a client's first byte. */
import { endsOf } from '../../sys/inet-socket.ts';
import { ignoring } from '../../values/errors.ts';
import type { ClientAddress } from '../../values/port.ts';
import { proxyHeader } from './proxy-header.ts';

const nothing = Buffer.alloc(0);

/**
 * @param client the descriptor of its connection
 * @param clientAddress how the container learns of it
 * @returns undefined for a client that has gone: nobody is to be introduced
 */
export function introduction(client: number, clientAddress: ClientAddress | undefined): Buffer | undefined {
  if (clientAddress === undefined) return nothing;
  const ends = ignoring('ENOTCONN', () => endsOf(client));
  return ends && proxyHeader(ends.peer, ends.own);
}
