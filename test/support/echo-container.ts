/** A server that gives back what it gets, at an address that stands for a container, in a network of the test's own. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { enterPrivateNetwork, ip } from './private-network.ts';

/** In the same network. */
export const container = '10.9.0.2';

/** @returns its port */
export async function startEchoContainer(): Promise<number> {
  enterPrivateNetwork();
  ip(`address add ${container}/32 dev lo`);
  const server = createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(0, container);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
