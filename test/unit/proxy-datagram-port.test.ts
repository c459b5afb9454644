/** Which flows of a UDP port are removed. Sockets are real; clients, loop and clock are not. */
import test from 'ava';
import { Counters } from '../../src/services/proxy/counters.ts';
import { defaultSettings } from '../../src/services/proxy/relay.ts';
import type { WorkerContext } from '../../src/services/proxy/splice-worker/context.ts';
import type { DatagramFlow } from '../../src/services/proxy/splice-worker/datagram-flow.ts';
import { DatagramPort } from '../../src/services/proxy/splice-worker/datagram-port.ts';
import type { EventLoop, Timer } from '../../src/services/proxy/splice-worker/event-loop.ts';
import { FdRegistry } from '../../src/services/proxy/splice-worker/shared-tables.ts';
import type { DatagramBatch } from '../../src/sys/datagram-batch.ts';
import { parseAddress } from '../../src/values/address.ts';

const loopback = parseAddress('127.0.0.1');

/** A port whose clients have numbers. Each sends one datagram at a time. */
function scene(flowLimit: number, begun: (flow: DatagramFlow) => void = () => {}) {
  let asking = 0;
  const flows = new Map<number, DatagramFlow>();
  const gone: number[] = [];
  let timer: Timer | undefined;
  const loop = {
    now: 0,
    watch(_fd: number, _events: number, flow: DatagramFlow) {
      flows.set(asking, flow);
      begun(flow);
    },
    unwatch(fd: number) {
      const [client] = [...flows].find(([, flow]) => flow.fd === fd) ?? [];
      if (client === undefined) return;
      flows.delete(client);
      gone.push(client);
    },
    after(milliseconds: number, action: () => void) {
      timer = { at: loop.now + milliseconds, action };
      return timer;
    },
    cancel() {},
  };
  const datagrams = {
    receive: () => 1,
    hash: () => asking,
    leadsBack: () => true,
    path: () => ({ bytes: Buffer.alloc(0), nameLength: 0, controlLength: 0 }),
    family: () => 4,
    length: () => 1,
    lineUp() {},
    sendOn: (_fd, count) => count,
    receiveFromPeer: () => 1,
    lengthFromPeer: () => 1,
    sendBack: (_fd, count) => count,
    takeRefusals: () => 0,
  } as Partial<DatagramBatch> as DatagramBatch;
  const context = {
    loop: loop as Partial<EventLoop> as EventLoop,
    descriptors: new FdRegistry(),
    settings: { ...defaultSettings, flowLimit },
  } as Partial<WorkerContext> as WorkerContext;
  const targets = { 4: loopback, 6: parseAddress('::1') };
  const group = { protocol: 'udp', hostAddress: loopback, isDualStack: false, targets } as const;
  const counters = new Counters();
  const port = new DatagramPort(-1, { group, containerPort: 9 }, counters, context, datagrams, () => {});
  return {
    loop,
    gone,
    counters,
    port,
    ask(client: number) {
      asking = client;
      port.onEvents();
    },
    /** Lets timers expire up to this time. */
    wait(until: number) {
      while (timer !== undefined && timer.at <= until) {
        const { at, action } = timer;
        timer = undefined;
        loop.now = at;
        action();
      }
      loop.now = until;
    },
    /** The container answers a client. */
    answer: (client: number) => flows.get(client)?.onEvents(),
  };
}

test('removes the flow that was idle longest in both directions, when a port has too many', (t) => {
  const { loop, gone, counters, port, ask, answer } = scene(3);
  for (const client of [1, 2, 3]) ask(client);
  loop.now = 1500;
  ask(1);
  loop.now = 3000;
  answer(2);
  for (const client of [4, 5, 6]) ask(client);
  t.deepEqual(gone, [3, 1, 2]);
  t.like(counters.read(), { open: 3, connections: 6, evicted: 3 });
  port.drain();
  t.deepEqual(gone, [3, 1, 2, 4, 5, 6]);
  t.is(counters.read().open, 0);
});

test('finds the flow that was idle longest without a look at the others', (t) => {
  let looks = 0;
  const limit = 100;
  const { gone, port, ask } = scene(limit, (flow) => {
    let { usedAt } = flow;
    Object.defineProperty(flow, 'usedAt', {
      get() {
        looks++;
        return usedAt;
      },
      set(value) {
        usedAt = value;
      },
    });
  });
  for (let client = 0; client < 2 * limit; client++) ask(client);
  t.is(gone.length, limit);
  t.true(looks <= limit, `${looks} looks`);
  port.drain();
});

test('removes a flow that was idle for 90 s, and opens another for the next datagram', (t) => {
  const { gone, counters, port, ask, wait } = scene(3);
  ask(1);
  wait(60_000);
  ask(1);
  wait(149_000);
  t.deepEqual(gone, []);
  wait(165_000);
  t.deepEqual(gone, [1]);
  ask(1);
  t.like(counters.read(), { open: 1, connections: 2, evicted: 0 });
  port.drain();
});
