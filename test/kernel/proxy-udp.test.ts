import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import test, { registerCompletionHandler } from 'ava';
import type { Relay } from '../../src/services/proxy/relay.ts';
import { reserve, serve } from '../../src/services/proxy/reservation.ts';
import type { SpliceWorker } from '../../src/services/proxy/splice-worker/splice-worker.ts';
import { parseAddress } from '../../src/values/address.ts';
import { enterPrivateNetwork, ip } from '../support/private-network.ts';
import { sockets } from '../support/sockets.ts';
import { newWorker } from '../support/splice-worker.ts';
import { withWorker } from '../support/with-worker.ts';

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
  readonly relay: Relay;
  readonly hostPort: number;
}

function publish(worker: SpliceWorker, containerPort: number, hostAddress = '0.0.0.0'): Published {
  const binding = { protocol: 'udp', hostAddress: parseAddress(hostAddress), hostPort: ++port, containerPort } as const;
  const reservations = reserve(sockets({ binding, target: parseAddress(container) }));
  const [relay] = serve(reservations, worker);
  if (relay === undefined) throw new Error('nothing served');
  return { relay, hostPort: port };
}

/** Asks from a connected socket, which takes an answer from nobody else. */
async function ask(address: string, hostPort: number, question: Buffer | string): Promise<Buffer> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  socket.connect(hostPort, address);
  await once(socket, 'connect');
  socket.send(question);
  const [answer] = (await once(socket, 'message', { signal: AbortSignal.timeout(30_000) })) as [Buffer];
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
  withWorker(`on ${listener} a client that asked ${asked} is answered from there`, async (t, worker) => {
    const server = await echo();
    const { hostPort } = publish(worker, server.address().port, listener);
    t.is(String(await ask(asked, hostPort, 'hello')), 'hello');
  });
}

withWorker('datagrams of 0 to 65,507 bytes are carried', async (t, worker) => {
  const server = await echo();
  const { hostPort } = publish(worker, server.address().port);
  for (const size of [0, 1, 1472, 1500, 9000, 65507]) {
    t.is((await ask('127.0.0.1', hostPort, Buffer.alloc(size, 7))).length, size);
  }
});

withWorker('50 clients at once are told apart', async (t, worker) => {
  const server = await echo();
  const { hostPort, relay } = publish(worker, server.address().port);
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, index) => ask('127.0.0.1', hostPort, `client ${index}`)),
  );
  t.deepEqual(
    answers.map(String),
    Array.from({ length: 50 }, (_, index) => `client ${index}`),
  );
  t.is(relay.clients, 50);
});

withWorker('a container that does not listen yet is reached as soon as it does', async (t, worker) => {
  const { hostPort } = publish(worker, 5353);
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
  server.close();
});

withWorker('a flow that is silent is forgotten by itself, and what comes later begins another one', async (t) => {
  const server = await echo();
  const { hostPort, relay } = publish(newWorker({ idleMilliseconds: 1500 }), server.address().port);
  for (let round = 0; round < 2; round++) {
    t.is(String(await ask('127.0.0.1', hostPort, 'hello')), 'hello');
    t.is(relay.clients, 1);
    while (relay.clients > 0) await delay(5);
  }
});

withWorker('what many clients send at once comes in order, and goes back to who asked', async (t, worker) => {
  const heard = new Map<number, number[]>();
  const server = await open('udp4', 0, container);
  server.on('message', (message, peer) => {
    heard.set(peer.port, [...(heard.get(peer.port) ?? []), message.readUInt32LE(0)]);
    server.send(message, peer.port, peer.address);
  });
  const { hostPort } = publish(worker, server.address().port);
  const sockets = await Promise.all(Array.from({ length: 8 }, () => open()));
  const answers = sockets.map(() => [] as number[]);
  for (const [index, socket] of sockets.entries())
    socket.on('message', (message) => answers[index]?.push(message.readUInt32LE(0)));
  const count = 20;
  for (let number = 0; number < count; number++) {
    for (const [index, socket] of sockets.entries()) {
      const message = Buffer.alloc(4 + index);
      message.writeUInt32LE(number);
      socket.send(message, hostPort, '127.0.0.1');
    }
  }
  while (answers.some((each) => each.length < count)) await delay(5);
  const inOrder = Array.from({ length: count }, (_, number) => number);
  for (const numbers of [...answers, ...heard.values()]) t.deepEqual(numbers, inOrder);
  for (const socket of sockets) socket.close();
});

withWorker('when a port has too many flows, the longest silent one makes room', async (t) => {
  const server = await echo();
  const { hostPort, relay } = publish(newWorker({ flowLimit: 3 }), server.address().port);
  for (let client = 0; client < 10; client++) await ask('127.0.0.1', hostPort, `client ${client}`);
  t.is(relay.clients, 3);
});

withWorker('a withdrawn port is free again', async (t, worker) => {
  const server = await echo();
  const { hostPort, relay } = publish(worker, server.address().port);
  await ask('127.0.0.1', hostPort, 'x');
  await relay.drain();
  const socket = await open('udp4', hostPort, '0.0.0.0');
  t.is(socket.address().port, hostPort);
});
