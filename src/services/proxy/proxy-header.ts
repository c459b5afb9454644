/**
 * The header of the PROXY protocol, version 2: by what a relay tells the server behind it who its client is.
 *
 *     bytes     12                  1             1             2        4 or 16   4 or 16       2        2
 *     ┌────────────────────────┬─────────────┬─────────────┬────────┬─────────┬───────────┬────────┬───────────┐
 *     │ 0D0A0D0A000D0A51       │ version 2,  │ family 1, 2 │ length │ client  │ what it   │ client │ what it   │
 *     │ 5549540A               │ command 1   │ stream 1    │ behind │         │ asked     │        │ asked     │
 *     └────────────────────────┴─────────────┴─────────────┴────────┴─────────┴───────────┴────────┴───────────┘
 *       not to be mistaken for                                         addresses             ports
 *       what any protocol begins with
 *
 * It comes first, once, and with every connection. A server that knows of it believes it, and one that doesn't takes it
 * for what the client says; so it is asked for, port by port.
 *
 * @see section 2.2 of the PROXY protocol's specification, which comes with haproxy
 */
import type { Endpoint } from '../../sys/inet-socket.ts';
import { plainAddress, toBytes, width } from '../../values/address.ts';

const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
const version2ByProxy = 0x21;
const overTcp = { 4: 0x11, 6: 0x21 } as const;
const beforeAddresses = 16;

/**
 * @param server what the client has asked; both ends are of one connection
 * @returns 28 bytes, or 52, at a place that does not move
 */
export function proxyHeader(client: Endpoint, server: Endpoint): Buffer {
  const [from, to] = [plainAddress(client.address), plainAddress(server.address)];
  const addressBytes = width(from.family) / 8;
  const behind = 2 * addressBytes + 4;
  const header = Buffer.from(new ArrayBuffer(beforeAddresses + behind));
  header.set(signature, 0);
  header.writeUInt8(version2ByProxy, 12);
  header.writeUInt8(overTcp[from.family], 13);
  header.writeUInt16BE(behind, 14);
  header.set(toBytes(from), beforeAddresses);
  header.set(toBytes(to), beforeAddresses + addressBytes);
  header.writeUInt16BE(client.port, header.length - 4);
  header.writeUInt16BE(server.port, header.length - 2);
  return header;
}
