/** A socket that is bound and does not listen is what `ss -K` leaves of a listener; no root is needed to make one. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import test from 'ava';
import { Counters } from '../../src/services/proxy/counters.ts';
import { defaultSettings } from '../../src/services/proxy/relay.ts';
import type { WorkerContext } from '../../src/services/proxy/splice-worker/context.ts';
import { type EventHandler, EventLoop, portKey } from '../../src/services/proxy/splice-worker/event-loop.ts';
import { FdRegistry } from '../../src/services/proxy/splice-worker/shared-tables.ts';
import { StreamPort } from '../../src/services/proxy/splice-worker/stream-port.ts';
import type { Transport } from '../../src/services/proxy/splice-worker/transport.ts';
import { Epoll, edge, openBell, readable, ring } from '../../src/sys/epoll.ts';
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

/** A port of the worker that has no way to its container, on a listener that was destroyed. */
async function destroyed() {
  const server = await listening(0);
  const { port } = server.address() as AddressInfo;
  await close(server);
  const fd = openStream(4);
  bind(fd, { address: loopback, port });
  let handler: EventHandler | undefined;
  const loop = new EventLoop(new Epoll(), () => handler);
  const descriptors = new FdRegistry();
  const context = { loop, descriptors, tcp: new StreamCalls(1), settings: defaultSettings } as Partial<WorkerContext>;
  const targets = { 4: loopback, 6: parseAddress('::1') };
  const destination = {
    group: { protocol: 'tcp', hostAddress: loopback, isDualStack: false, targets },
    containerPort: 80,
  } as const;
  const transport = { open: () => -1 } as Partial<Transport> as Transport;
  const counters = new Counters();
  return {
    port,
    fd,
    loop,
    counters,
    /** Watches the port as the other thread does. */
    watch(given: EventHandler) {
      handler = given;
      loop.epoll.add(fd, readable, portKey);
    },
    relay: new StreamPort(fd, destination, counters, context as WorkerContext, transport, () => {}),
  };
}

/** Runs until `done`; what a thread would hang on is ended by a timer. */
function run(loop: EventLoop, done: () => boolean): void {
  const late = loop.after(10_000, () => {
    throw new Error('never came true');
  });
  loop.run(done);
  loop.cancel(late);
}

test.serial('a listener that was destroyed listens again, and takes whoever comes next', async (t) => {
  const { port, fd, loop, counters, relay, watch } = await destroyed();
  t.false(isListening(fd));
  watch(relay);
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
    const { port, fd, loop, counters, relay, watch } = await destroyed();
    const other = await listening(port);
    let [turns, told] = [0, 0];
    watch({
      onEvents() {
        told++;
        relay.onEvents();
      },
    });
    // Each stroke is a turn of the loop, in which whoever is ready is told.
    const bell = openBell();
    loop.watch(bell, edge | readable, {
      onEvents() {
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
