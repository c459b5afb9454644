/** How a relay introduces a client to the container: by a header, or by the address from which it connects. */
import { endsOf } from '../../sys/inet-socket.ts';
import type { Address } from '../../values/address.ts';
import { ignoring } from '../../values/errors.ts';
import { transparentSource } from '../../values/port.ts';
import { proxyHeader } from './proxy-header.ts';
import type { Way } from './socket-forward.ts';

export interface Introduction {
  /** What the container gets before the client's first byte. */
  readonly first: Buffer;
  /** Whose address the connection to the container has. Absent: this machine's own. */
  readonly source?: Address;
}

const plainly: Introduction = { first: Buffer.alloc(0) };

/**
 * @param client the descriptor of its connection
 * @param target where it is carried on to
 * @returns undefined for a client that has gone: what it has sent can still be read, and nobody may take it for another one's
 */
export function introduction(
  client: number,
  { clientAddress, near }: Pick<Way, 'clientAddress' | 'near'>,
  target: Address,
): Introduction | undefined {
  if (clientAddress === undefined) return plainly;
  const ends = ignoring('ENOTCONN', () => endsOf(client));
  if (ends === undefined) return undefined;
  if (clientAddress === 'header') return { first: proxyHeader(ends.peer, ends.own) };
  const source = transparentSource(ends.peer.address, target, near);
  return source === undefined ? plainly : { ...plainly, source };
}
