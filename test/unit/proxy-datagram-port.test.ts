/** Which flow of a UDP port makes room in the engine, and what it costs to find it. Its sockets are real, its clients are played. */
import test from 'ava';
import { Counters } from '../../src/services/proxy/counters.ts';
import { ordinarySettings } from '../../src/services/proxy/relay.ts';
import type { DatagramFlow } from '../../src/services/proxy/splice-worker/datagram-flow.ts';
import { DatagramPort } from '../../src/services/proxy/splice-worker/datagram-port.ts';
import { Descriptors } from '../../src/services/proxy/splice-worker/descriptors.ts';
import type { Loop } from '../../src/services/proxy/splice-worker/event-loop.ts';
import { Ledger } from '../../src/services/proxy/splice-worker/fd-registry.ts';
import type { Means } from '../../src/services/proxy/splice-worker/shared.ts';
import type { DatagramBatch } from '../../src/sys/datagram-batch.ts';
import { parseAddress } from '../../src/values/address.ts';

const loopback = parseAddress('127.0.0.1');

/** A port of the engine, whose clients have numbers, and each sends one datagram at a time. */
function scene(flowLimit: number, begun: (flow: DatagramFlow) => void = () => {}) {
  let asking = 0;
  const flows = new Map<number, DatagramFlow>();
  const gone: number[] = [];
  const loop = {
    now: 0,
    watch(_fd: number, _events: number, flow: DatagramFlow) {
      flows.set(asking, flow);
      begun(flow);
    },
    forget(fd: number) {
      const [client] = [...flows].find(([, flow]) => flow.fd === fd) ?? [];
      if (client === undefined) return;
      flows.delete(client);
      gone.push(client);
    },
    after: () => ({ at: 0, action() {} }),
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
  const means = {
    loop: loop as Partial<Loop> as Loop,
    descriptors: new Descriptors(new Ledger(), Number.POSITIVE_INFINITY),
    settings: { ...ordinarySettings, flowLimit },
  } as Partial<Means> as Means;
  const targets = { 4: loopback, 6: parseAddress('::1') };
  const way = { protocol: 'udp', hostAddress: loopback, isShared: false, targets } as const;
  const counters = new Counters();
  const port = new DatagramPort(-1, { way, containerPort: 9 }, counters, means, datagrams, () => {});
  return {
    loop,
    gone,
    counters,
    port,
    ask(client: number) {
      asking = client;
      port.ready();
    },
    /** The container answers a client. */
    answer: (client: number) => flows.get(client)?.ready(),
  };
}

test('the flow that was silent longest makes room, whoever of the two has spoken last', (t) => {
  const { loop, gone, counters, port, ask, answer } = scene(3);
  for (const client of [1, 2, 3]) ask(client);
  loop.now = 1500;
  ask(1);
  loop.now = 3000;
  answer(2);
  for (const client of [4, 5, 6]) ask(client);
  t.deepEqual(gone, [3, 1, 2]);
  t.like(counters.read(), { open: 3, connections: 6, evicted: 3 });
  port.withdraw();
  t.deepEqual(gone, [3, 1, 2, 4, 5, 6]);
  t.is(counters.read().open, 0);
});

test('it is found without a look at the others', (t) => {
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
  port.withdraw();
});
