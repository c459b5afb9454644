// What relays count, on the engine and on Node's own sockets: the same names, and the same numbers. Beside them stands what
// client and container themselves have sent and heard, and what /proc/net/udp says.
//
//     client ── 127.0.0.1:8001 │ relay │ ── 10.9.0.2 container
import { spawnSync } from 'node:child_process';
import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext, registerCompletionHandler } from 'ava';
import { type Counts, countFields } from '../../src/services/proxy/counters.ts';
import type { Relay } from '../../src/services/proxy/relay.ts';
import { type Reservation, reserve, serve } from '../../src/services/proxy/reservation.ts';
import type { SpliceWorker } from '../../src/services/proxy/splice-worker/splice-worker.ts';
import { bind, closeSocket, listen, openStream } from '../../src/sys/inet-socket.ts';
import { parseAddress } from '../../src/values/address.ts';
import type { Protocol } from '../../src/values/port.ts';
import { enterPrivateNetwork, ip } from '../support/private-network.ts';
import { sockets } from '../support/sockets.ts';
import { newWorker } from '../support/splice-worker.ts';
import { withWorker } from '../support/with-worker.ts';

/** Stands for the container: an address of its own, in the same network. */
const container = '10.9.0.2';
/** Where no route leads. */
const nowhere = '10.77.0.1';
let port = 8000;

registerCompletionHandler(() => process.exit());

test.before(() => {
  enterPrivateNetwork();
  ip(`address add ${container}/32 dev lo`);
});

function hold(protocol: Protocol, containerPort: number, target = container): Reservation {
  const hostAddress = parseAddress('127.0.0.1');
  const binding = { protocol, hostAddress, hostPort: ++port, containerPort } as const;
  const [reservation] = reserve(sockets({ binding, target: parseAddress(target) }));
  if (reservation === undefined) throw new Error('nothing reserved');
  return reservation;
}

function open(reservation: Reservation, worker: SpliceWorker): Relay {
  const [relay] = serve([reservation], worker);
  if (relay === undefined) throw new Error('nothing served');
  return relay;
}

const publish = (worker: SpliceWorker, protocol: Protocol, containerPort: number, target = container) =>
  open(hold(protocol, containerPort, target), worker);

async function service(worker: SpliceWorker, onConnection: (socket: Socket) => void): Promise<Relay> {
  const server = createServer({ allowHalfOpen: true }, onConnection).listen(0, container);
  await once(server, 'listening');
  return publish(worker, 'tcp', (server.address() as AddressInfo).port);
}

/** A connection to the port that was published last. */
function connecting(): Socket {
  return connect({ host: '127.0.0.1', port, allowHalfOpen: true }).on('error', () => {});
}

async function client(): Promise<Socket> {
  const socket = connecting();
  await once(socket, 'connect');
  return socket;
}

/** Resolves when it was reset. */
function broken(socket: Socket): Promise<unknown> {
  return new Promise((resolve) => socket.once('error', resolve));
}

async function bytesOf(socket: Socket): Promise<number> {
  let count = 0;
  socket.on('data', (data: Buffer) => {
    count += data.length;
  });
  await once(socket, 'end');
  return count;
}

/** A socket of UDP, connected to the port that was published last. */
async function asker(): Promise<DatagramSocket> {
  const socket = createSocket('udp4').on('error', () => {});
  socket.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

async function echo(): Promise<number> {
  const server = createSocket('udp4').on('message', (message, peer) => server.send(message, peer.port, peer.address));
  server.bind(0, container);
  await once(server, 'listening');
  return server.address().port;
}

async function ask(socket: DatagramSocket, bytes: number): Promise<number> {
  const answer = once(socket, 'message');
  socket.send(Buffer.alloc(bytes));
  const [message] = (await answer) as [Buffer];
  return message.length;
}

/** Waits until the relay has counted these, and all others are zero. */
async function counts(t: ExecutionContext, relay: Relay, expected: Partial<Counts>): Promise<void> {
  const whole = { ...Object.fromEntries(countFields.map((field) => [field, 0])), ...expected };
  const same = (counted: Counts) => countFields.every((field) => counted[field] === whole[field]);
  for (let look = 0; look < 1000 && !same(relay.counts()); look++) await delay(10);
  t.deepEqual(relay.counts(), whole as unknown as Counts);
}

withWorker(
  'every byte in both directions, of connections that are open and of those that have ended',
  async (t, worker) => {
    const [question, answer] = [3_000_001, 200_003];
    let heard = 0;
    const relay = await service(worker, async (socket) => {
      const bytes = bytesOf(socket);
      socket.write(Buffer.alloc(answer - 3));
      heard += await bytes;
      socket.end('end');
    });
    const first = await client();
    const told = bytesOf(first);
    first.write(Buffer.alloc(question));
    await counts(t, relay, { open: 1, connections: 1, bytesIn: question, bytesOut: answer - 3 });
    first.end();
    t.is(await told, answer);
    await counts(t, relay, { connections: 1, bytesIn: question, bytesOut: answer });
    const second = await client();
    second.resume().end('again');
    await counts(t, relay, { connections: 2, bytesIn: question + 5, bytesOut: 2 * answer });
    t.is(heard, question + 5);
  },
);

withWorker('a refused connection is one error', async (t, worker) => {
  const relay = publish(worker, 'tcp', 1);
  await broken(connecting());
  await counts(t, relay, { connections: 1, refused: 1 });
});

withWorker(
  'a container to which no way leads is one error for each connection and each datagram',
  async (t, worker) => {
    const stream = publish(worker, 'tcp', 80, nowhere);
    await broken(connecting());
    await counts(t, stream, { connections: 1, unreachable: 1 });
    const datagram = publish(worker, 'udp', 53, nowhere);
    const socket = await asker();
    socket.send('x');
    await counts(t, datagram, { unreachable: 1 });
    socket.send('x');
    await counts(t, datagram, { unreachable: 2 });
    socket.close();
  },
);

withWorker('a container that never answers is one error', async (t) => {
  const listener = openStream(4);
  bind(listener, { address: parseAddress(container), port: ++port });
  listen(listener, 0);
  // One waits to be accepted, and for no further one there is room: their SYNs are dropped.
  const fillers = [connect(port, container), connect(port, container)].map((each) => each.on('error', () => {}));
  await once(fillers[0] as Socket, 'connect');
  const relay = publish(newWorker({ synRetries: 1 }), 'tcp', port);
  await broken(connecting());
  await counts(t, relay, { connections: 1, timedOut: 1 });
  for (const filler of fillers) filler.destroy();
  closeSocket(listener);
});

withWorker('who breaks a connection off is told from who was broken off', async (t, worker) => {
  const byClient = await service(worker, (socket) => socket.on('error', () => {}).pipe(socket));
  const socket = await client();
  socket.write('x');
  await once(socket, 'data');
  socket.resetAndDestroy();
  await counts(t, byClient, { connections: 1, bytesIn: 1, bytesOut: 1, clientReset: 1 });
  const byContainer = await service(worker, (accepted) => accepted.once('data', () => accepted.resetAndDestroy()));
  const other = await client();
  other.write('x');
  await broken(other);
  await counts(t, byContainer, { connections: 1, bytesIn: 1, containerReset: 1 });
});

withWorker('clients for whom there is no descriptor are drops', async (t) => {
  const worker = newWorker({ descriptorLimit: 0 });
  const stream = publish(worker, 'tcp', 80);
  await broken(connecting());
  await counts(t, stream, { turnedAway: 1 });
  const datagram = publish(worker, 'udp', 53);
  const socket = await asker();
  socket.send('x');
  await counts(t, datagram, { turnedAway: 1 });
  socket.close();
});

withWorker('every datagram and its bytes, and each client once', async (t, worker) => {
  const relay = publish(worker, 'udp', await echo());
  const sockets = await Promise.all([asker(), asker()]);
  for (const socket of sockets) for (const bytes of [0, 1, 1472, 9000]) t.is(await ask(socket, bytes), bytes);
  const bytes = 2 * (1 + 1472 + 9000);
  await counts(t, relay, {
    open: 2,
    connections: 2,
    bytesIn: bytes,
    bytesOut: bytes,
    datagramsIn: 8,
    datagramsOut: 8,
  });
  for (const socket of sockets) socket.close();
});

withWorker('a datagram for which nobody listens is one error', async (t, worker) => {
  const relay = publish(worker, 'udp', 1);
  const socket = await asker();
  socket.send('anybody?');
  const flow = { open: 1, connections: 1, datagramsIn: 1, bytesIn: 8, refused: 1 };
  await counts(t, relay, flow);
  socket.send('really?');
  await counts(t, relay, { ...flow, datagramsIn: 2, bytesIn: 15, refused: 2 });
  socket.close();
});

withWorker('flows that made room are drops', async (t) => {
  const relay = publish(newWorker({ flowLimit: 3 }), 'udp', await echo());
  for (let number = 0; number < 10; number++) {
    const socket = await asker();
    t.is(await ask(socket, 10), 10);
    socket.close();
  }
  const carried = { bytesIn: 100, bytesOut: 100, datagramsIn: 10, datagramsOut: 10 };
  await counts(t, relay, { open: 3, connections: 10, ...carried, evicted: 7 });
});

/** What the kernel says that it has dropped at this port of 127.0.0.1. */
function droppedAt(hostPort: number): number {
  const local = `0100007F:${hostPort.toString(16).toUpperCase().padStart(4, '0')} `;
  const line = readFileSync('/proc/thread-self/net/udp', 'utf8')
    .split('\n')
    .find((each) => each.includes(local));
  return Number(line?.trim().split(/\s+/).at(-1));
}

/** From a process of its own: who serves in this one must not be kept waiting for it. */
function flood(hostPort: number, count: number): void {
  const script = `import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(${count}): s.sendto(bytes(9000), ('127.0.0.1', ${hostPort}))`;
  spawnSync('python3', ['-c', script]);
}

withWorker(
  'datagrams that the queue has no room for are drops; those that came before the port was served are not',
  async (t, worker) => {
    const reservation = hold('udp', await echo());
    flood(port, 5);
    t.is(droppedAt(port), 5, 'the door is closed');
    const relay = open(reservation, worker);
    await counts(t, relay, {});
    for (let round = 0; round < 100 && droppedAt(port) === 5; round++) flood(port, 2000);
    const overflowed = droppedAt(port) - 5;
    t.true(overflowed > 0);
    t.is(relay.counts().overflowed, overflowed);
    await relay.abort();
  },
);
