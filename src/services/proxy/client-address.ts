/**
 * How a relay passes the client's address to the container: as the connection's source address (`transparent`), or
 * in a PROXY protocol header, version 2.
 *
 *     bytes     12                  1             1             2        4 or 16   4 or 16       2        2
 *     ┌────────────────────────┬─────────────┬─────────────┬────────┬─────────┬───────────┬────────┬───────────┐
 *     │ 0D0A0D0A000D0A51       │ version 2,  │ family 1, 2 │ length │ client  │ published │ client │ published │
 *     │ 5549540A               │ command 1   │ stream 1    │ of rest│         │           │        │           │
 *     └────────────────────────┴─────────────┴─────────────┴────────┴─────────┴───────────┴────────┴───────────┘
 *       signature, which no                                          addresses             ports
 *       other protocol starts with
 *
 * The header precedes the first byte of each connection. A server that supports the protocol trusts the header; any other
 * server takes the header for data of the client. So each published port enables the header by itself.
 *
 * @see section 2.2 of the PROXY protocol's specification, which comes with haproxy
 */
import { type Endpoint, endsOf } from '../../sys/inet-socket.ts';
import { type Address, plainAddress, toBytes, width } from '../../values/address.ts';
import { ignoring } from '../../values/errors.ts';
import { transparentSource } from '../../values/port.ts';
import type { ForwardGroup } from './socket-forward.ts';

export interface ClientIdentity {
  /** Bytes that the container gets before the client's first byte; often none. */
  readonly header: Buffer;
  /** Source address of the connection to the container. Absent: an address of this host. */
  readonly source?: Address;
}

const anonymous: ClientIdentity = { header: Buffer.alloc(0) };

/**
 * Returns how the container learns the client's address.
 *
 * @param client descriptor of the client's connection
 * @param target the container's address
 * @returns undefined if the client has disconnected already: its address is unknown, and its data must not be relayed without it
 */
export function clientIdentity(
  client: number,
  { clientAddress, near }: Pick<ForwardGroup, 'clientAddress' | 'near'>,
  target: Address,
): ClientIdentity | undefined {
  if (clientAddress === undefined) return anonymous;
  const ends = ignoring('ENOTCONN', () => endsOf(client));
  if (ends === undefined) return undefined;
  if (clientAddress === 'header') return { header: proxyHeader(ends.peer, ends.own) };
  const source = transparentSource(ends.peer.address, target, near);
  return source === undefined ? anonymous : { ...anonymous, source };
}

const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
const version2ByProxy = 0x21;
const overTcp = { 4: 0x11, 6: 0x21 } as const;
const beforeAddresses = 16;

/**
 * Encodes the header of one connection.
 *
 * @param server the published address and port that the client connected to
 * @returns 28 bytes, or 52, in memory that does not move
 */
export function proxyHeader(client: Endpoint, server: Endpoint): Buffer {
  const [from, to] = [plainAddress(client.address), plainAddress(server.address)];
  const addressBytes = width(from.family) / 8;
  const rest = 2 * addressBytes + 4;
  const header = Buffer.from(new ArrayBuffer(beforeAddresses + rest));
  header.set(signature, 0);
  header.writeUInt8(version2ByProxy, 12);
  header.writeUInt8(overTcp[from.family], 13);
  header.writeUInt16BE(rest, 14);
  header.set(toBytes(from), beforeAddresses);
  header.set(toBytes(to), beforeAddresses + addressBytes);
  header.writeUInt16BE(client.port, header.length - 4);
  header.writeUInt16BE(server.port, header.length - 2);
  return header;
}
