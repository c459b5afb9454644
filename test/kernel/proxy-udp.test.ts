import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import test, { registerCompletionHandler } from 'ava';
import { type DatagramOptions, DatagramRelay, DatagramRelays } from '../../src/services/proxy/datagram-relay.ts';
import { reserve, serve } from '../../src/services/proxy/reservation.ts';
import { parseAddress } from '../../src/values/address.ts';
import { enterPrivateNetwork, ip } from '../support/private-network.ts';

/** Stands for the container: an address of its own, in the same network. */
const container = '10.9.0.2';
let port = 8000;

registerCompletionHandler(() => process.exit());

test.before(() => {
  enterPrivateNetwork();
  ip(`address add ${container}/32 dev lo`);
  ip('address add 203.0.113.1/32 dev lo');
});

async function open(type: 'udp4' | 'udp6' = 'udp4', boundPort = 0, address?: string): Promise<Socket> {
  const socket = createSocket(type);
  socket.bind(boundPort, address);
  await once(socket, 'listening');
  return socket;
}

/** A server in the container that sends back what it gets. */
async function echo(): Promise<Socket> {
  const server = await open('udp4', 0, container);
  server.on('message', (message, peer) => server.send(message, peer.port, peer.address));
  return server;
}

interface Published {
  readonly relay: DatagramRelay;
  readonly hostPort: number;
}

function publish(containerPort: number, hostAddress = '0.0.0.0', options: DatagramOptions = {}): Published {
  const binding = { protocol: 'udp', hostAddress: parseAddress(hostAddress), hostPort: ++port, containerPort } as const;
  const reservations = reserve([{ binding, target: parseAddress(container) }]);
  const [relay] = serve(reservations, { datagrams: new DatagramRelays(options) });
  if (!(relay instanceof DatagramRelay)) throw new Error('nothing served');
  return { relay, hostPort: port };
}

/** Asks from a connected socket, which takes an answer from nobody else. */
async function ask(address: string, hostPort: number, question: Buffer | string): Promise<Buffer> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  socket.connect(hostPort, address);
  await once(socket, 'connect');
  socket.send(question);
  const [answer] = (await once(socket, 'message', { signal: AbortSignal.timeout(3000) })) as [Buffer];
  socket.close();
  return answer;
}

for (const [listener, asked] of [
  ['0.0.0.0', '127.0.0.1'],
  ['0.0.0.0', '127.0.0.2'],
  ['0.0.0.0', '203.0.113.1'],
  ['127.0.0.2', '127.0.0.2'],
  ['::', '::1'],
  ['::1', '::1'],
] as const) {
  test.serial(`on ${listener} a client that asked ${asked} is answered from there`, async (t) => {
    const server = await echo();
    const { hostPort } = publish(server.address().port, listener);
    t.is(String(await ask(asked, hostPort, 'hello')), 'hello');
  });
}

test.serial('datagrams of 0 to 65,507 bytes are carried', async (t) => {
  const server = await echo();
  const { hostPort } = publish(server.address().port);
  for (const size of [0, 1, 1472, 1500, 9000, 65507]) {
    t.is((await ask('127.0.0.1', hostPort, Buffer.alloc(size, 7))).length, size);
  }
});

test.serial('50 clients at once are told apart', async (t) => {
  const server = await echo();
  const { hostPort, relay } = publish(server.address().port);
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, index) => ask('127.0.0.1', hostPort, `client ${index}`)),
  );
  t.deepEqual(
    answers.map(String),
    Array.from({ length: 50 }, (_, index) => `client ${index}`),
  );
  t.is(relay.clients, 50);
});

test.serial('a container that does not listen yet is reached as soon as it does', async (t) => {
  const { hostPort } = publish(5353);
  const socket = createSocket('udp4');
  socket.connect(hostPort, '127.0.0.1');
  await once(socket, 'connect');
  for (let attempt = 0; attempt < 5; attempt++) {
    socket.send('anybody?');
    await delay(10);
  }
  const server = await open('udp4', 5353, container);
  server.on('message', (message, peer) => server.send(message, peer.port, peer.address));
  socket.send('now');
  const [answer] = (await once(socket, 'message')) as [Buffer];
  t.is(String(answer), 'now');
  socket.close();
});

test.serial('a flow that is silent for 90 s is forgotten, and its socket closed', async (t) => {
  let now = 0;
  const server = await echo();
  const { hostPort, relay } = publish(server.address().port, '0.0.0.0', { now: () => now });
  const socket = createSocket('udp4');
  socket.connect(hostPort, '127.0.0.1');
  await once(socket, 'connect');
  const heard = async (text: string) => {
    const answer = once(socket, 'message');
    socket.send(text);
    await answer;
  };
  const before = readdirSync('/proc/self/fd').length;
  await heard('a');
  now = 60_000;
  await heard('b');
  now = 149_000;
  relay.expire();
  t.is(relay.clients, 1);
  now = 150_000;
  relay.expire();
  t.is(relay.clients, 0);
  await heard('c');
  t.is(relay.clients, 1);
  t.is(readdirSync('/proc/self/fd').length, before + 1);
  socket.close();
});

test.serial('when a port has too many flows, the longest silent one makes room', async (t) => {
  const server = await echo();
  const { hostPort, relay } = publish(server.address().port, '0.0.0.0', { flowLimit: 3 });
  for (let client = 0; client < 10; client++) await ask('127.0.0.1', hostPort, `client ${client}`);
  t.is(relay.clients, 3);
});

test.serial('a withdrawn port is free again', async (t) => {
  const server = await echo();
  const { hostPort, relay } = publish(server.address().port);
  await ask('127.0.0.1', hostPort, 'x');
  await relay.withdraw();
  const socket = await open('udp4', hostPort, '0.0.0.0');
  t.is(socket.address().port, hostPort);
});
