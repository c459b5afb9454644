/** A socket that is bound and does not listen is what `ss -K` leaves of a listener; no root is needed to make one. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import test from 'ava';
import { Counters } from '../../src/services/proxy/counters.ts';
import { ordinarySettings } from '../../src/services/proxy/relay.ts';
import { Descriptors } from '../../src/services/proxy/splice-worker/descriptors.ts';
import { Loop } from '../../src/services/proxy/splice-worker/event-loop.ts';
import { Ledger } from '../../src/services/proxy/splice-worker/fd-registry.ts';
import type { Means } from '../../src/services/proxy/splice-worker/shared.ts';
import { StreamPort } from '../../src/services/proxy/splice-worker/stream-port.ts';
import type { Transport } from '../../src/services/proxy/splice-worker/transport.ts';
import { edge, openBell, readable, ring } from '../../src/sys/epoll.ts';
import { bind, closeSocket, connect, isListening, openStream } from '../../src/sys/inet-socket.ts';
import { StreamCalls } from '../../src/sys/tcp-calls.ts';
import { parseAddress } from '../../src/values/address.ts';
import { ignoring } from '../../src/values/errors.ts';

const loopback = parseAddress('127.0.0.1');

async function listening(port: number): Promise<Server> {
  const server = createServer().listen(port, '127.0.0.1').unref();
  await once(server, 'listening');
  return server;
}

async function close(server: Server): Promise<void> {
  await once(server.close(), 'close');
}

/** A port of the engine that has no way to its container, on a listener that was destroyed. */
async function destroyed() {
  const server = await listening(0);
  const { port } = server.address() as AddressInfo;
  await close(server);
  const fd = openStream(4);
  bind(fd, { address: loopback, port });
  const loop = new Loop();
  const descriptors = new Descriptors(new Ledger(), Number.POSITIVE_INFINITY);
  const means = { loop, descriptors, streams: new StreamCalls(1), settings: ordinarySettings } as Partial<Means>;
  const targets = { 4: loopback, 6: parseAddress('::1') };
  const destination = {
    way: { protocol: 'tcp', hostAddress: loopback, isShared: false, targets },
    containerPort: 80,
  } as const;
  const transport = { open: () => -1 } as Partial<Transport> as Transport;
  const counters = new Counters();
  return {
    port,
    fd,
    loop,
    counters,
    relay: new StreamPort(fd, destination, counters, means as Means, transport, () => {}),
  };
}

/** Runs until `done`; what a thread would hang on is ended by a timer. */
function run(loop: Loop, done: () => boolean): void {
  const late = loop.after(10_000, () => {
    throw new Error('never came true');
  });
  loop.run(done);
  loop.cancel(late);
}

test.serial('a listener that was destroyed listens again, and takes whoever comes next', async (t) => {
  const { port, fd, loop, counters, relay } = await destroyed();
  t.false(isListening(fd));
  loop.watch(fd, readable, relay);
  run(loop, () => isListening(fd));
  const client = openStream(4);
  ignoring('EINPROGRESS', () => connect(client, { address: loopback, port }));
  run(loop, () => counters.read().turnedAway === 1);
  t.is(counters.read().acceptFailed, 0);
  for (const each of [client, fd]) closeSocket(each);
});

test.serial(
  'where another has taken its port it is left alone for a moment, and listens when that one has gone',
  async (t) => {
    const { port, fd, loop, counters, relay } = await destroyed();
    const other = await listening(port);
    let [turns, told] = [0, 0];
    loop.watch(fd, readable, {
      ready() {
        told++;
        relay.ready();
      },
    });
    // Each stroke is a turn of the loop, in which whoever is ready is told.
    const bell = openBell();
    loop.watch(bell, edge | readable, {
      ready() {
        turns++;
        ring(bell);
      },
    });
    ring(bell);
    run(loop, () => turns === 1000);
    const { acceptFailed } = counters.read();
    t.log(`told ${told} times in ${turns} turns, tried ${acceptFailed} times`);
    // What a machine that is very busy takes longer for is tried more often; each time is told twice.
    t.true(acceptFailed >= 1 && told <= 2 * acceptFailed);
    t.false(isListening(fd));
    await close(other);
    run(loop, () => isListening(fd));
    for (const each of [bell, fd]) closeSocket(each);
  },
);
