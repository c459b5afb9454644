// Deleting flows from connection tracking: exactly those of a filter, and as few dumps of the table as possible.
//
// Each flow of a test has a source port of its own, by which /proc/net/nf_conntrack names it.
import test from 'ava';
import { deleteFlows, type FlowFilter } from '../../src/kernel/flow-deletion.ts';
import { KernelNamespace } from '../../src/kernel/namespace.ts';
import { Connection } from '../../src/netlink/connection.ts';
import { type RawMessage, readMessages } from '../../src/netlink/message.ts';
import { KernelHandles } from '../../src/plan/kernel-handles.ts';
import type { Kinds } from '../../src/plan/kind.ts';
import { kernelKinds } from '../../src/plan/kinds/index.ts';
import type { Step } from '../../src/plan/step.ts';
import { undo } from '../../src/plan/undo.ts';
import { closeSocket, openNetlinkSocket, protocols, receive, send } from '../../src/sys/netlink-socket.ts';
import { parseAddress } from '../../src/values/address.ts';
import { refused } from '../support/netlink.ts';
import { enterPrivateNetwork } from '../support/private-network.ts';
import { addFlows, flushFlows, type TrackedFlow, trackedPorts } from '../support/tracked-flows.ts';

enterPrivateNetwork();
const connection = Connection.open('netfilter');

const own4 = '172.17.0.2';
const own6 = 'fd00::2';
const [host4, host6] = ['203.0.113.1', '2001:db8:f::1'];
const [client4, client6] = ['203.0.113.2', '2001:db8:f::2'];

/** Flows of a container by source port, and foreign flows that differ from them in one respect each. */
const flows: readonly TrackedFlow[] = [
  { protocol: 'tcp', from: [own4, 1001], to: [client4, 443] },
  { protocol: 'udp', from: [client4, 1002], to: [own4, 53] },
  { protocol: 'tcp', from: [client4, 1003], to: [host4, 8080], target: [own4, 80] },
  { protocol: 'sctp', from: [client4, 1004], to: [host4, 8080], target: [own4, 80] },
  { protocol: 'tcp', from: [own6, 1006], to: [client6, 443] },
  { protocol: 'udp', from: [client6, 1007], to: [own6, 53] },
  { protocol: 'tcp', from: ['172.17.0.3', 2001], to: [client4, 443] },
  { protocol: 'udp', from: [client4, 2002], to: ['172.17.0.3', 53] },
  { protocol: 'tcp', from: [client4, 2003], to: [host4, 8081], target: ['172.17.0.3', 80] },
  { protocol: 'tcp', from: [client4, 2004], to: [host4, 22] },
  { protocol: 'tcp', from: ['fd00::3', 2006], to: [client6, 443] },
  { protocol: 'udp', from: [client6, 2007], to: ['fd00::3', 53] },
  { protocol: 'tcp', from: [client6, 2008], to: [host6, 22] },
];
const foreign = [2001, 2002, 2003, 2004, 2006, 2007, 2008];

function start(...more: readonly TrackedFlow[]): void {
  flushFlows(connection);
  addFlows(connection, [...flows, ...more]);
}

const ofAddress = (text: string): readonly FlowFilter[] => {
  const source = parseAddress(text);
  return [
    { family: source.family, original: { source } },
    { family: source.family, reply: { source } },
  ];
};

/** Runs the body and counts the dumps of the connection. */
async function dumpsDuring(one: Connection, body: () => void | Promise<void>): Promise<number> {
  let count = 0;
  const dump = one.dump.bind(one);
  one.dump = (...words) => {
    count++;
    return dump(...words);
  };
  await body();
  Reflect.deleteProperty(one, 'dump');
  return count;
}

test.serial('deletes all flows of an IPv4 address, and no other, without a dump', async (t) => {
  start();
  t.is(await dumpsDuring(connection, () => deleteFlows(connection, ofAddress(own4))), 0);
  t.deepEqual(trackedPorts(), [1006, 1007, ...foreign]);
});

test.serial('deletes all flows of an IPv6 address, and no other, with one dump', async (t) => {
  start();
  t.is(await dumpsDuring(connection, () => deleteFlows(connection, ofAddress(own6))), 1);
  t.deepEqual(trackedPorts(), [1001, 1002, 1003, 1004, ...foreign]);
});

test.serial('deletes the translated flows of one published port', async (t) => {
  const direct: TrackedFlow = { protocol: 'tcp', from: [client4, 3001], to: [own4, 8080] };
  start(direct, { protocol: 'tcp', from: [client4, 3002], to: ['203.0.113.9', 8080], target: [own4, 80] });
  const to = { source: parseAddress(own4), sourcePort: 80 };
  const port = { destination: parseAddress(host4), destinationPort: 8080 };
  deleteFlows(connection, [{ family: 4, protocol: 'tcp', original: port, reply: to, translated: true }]);
  t.deepEqual(trackedPorts(), [1001, 1002, 1004, 1006, 1007, ...foreign, 3001, 3002]);
  deleteFlows(connection, [
    { family: 4, protocol: 'tcp', original: { destinationPort: 8080 }, reply: to, translated: true },
  ]);
  t.deepEqual(trackedPorts(), [1001, 1002, 1004, 1006, 1007, ...foreign, 3001]);
});

test.serial('deletes the flows of one SCTP port, and of no other SCTP port', async (t) => {
  start({ protocol: 'sctp', from: [client4, 3001], to: [host4, 8082], target: [own4, 80] });
  deleteFlows(connection, [{ family: 4, protocol: 'sctp', original: { destinationPort: 8080 } }]);
  t.deepEqual(trackedPorts(), [1001, 1002, 1003, 1006, 1007, ...foreign, 3001]);
});

test.serial('deletes the flows of many ports with one dump', async (t) => {
  start();
  const ports: readonly FlowFilter[] = Array.from({ length: 100 }, (_, index) => ({
    family: 4,
    protocol: 'tcp',
    original: { destinationPort: 8000 + index },
    reply: { source: parseAddress(own4), sourcePort: 80 },
    translated: true,
  }));
  t.is(await dumpsDuring(connection, () => deleteFlows(connection, ports)), 1);
  t.deepEqual(trackedPorts(), [1001, 1002, 1004, 1006, 1007, ...foreign]);
});

test.serial('deletes UDP flows by a condition on their destination', async (t) => {
  start({ protocol: 'udp', from: [client4, 3001], to: ['198.51.100.1', 53] });
  const isDestination = ({ value }: { readonly value: bigint }) => value === parseAddress('198.51.100.1').value;
  deleteFlows(connection, [{ family: 4, protocol: 'udp', original: { destinationPort: 53 }, isDestination }]);
  t.deepEqual(trackedPorts(), [1001, 1002, 1003, 1004, 1006, 1007, ...foreign]);
});

test.serial('leaves the flows of another conntrack zone', async (t) => {
  const zoned: TrackedFlow = { protocol: 'tcp', from: [own4, 3001], to: [client4, 443], zone: 7 };
  start(zoned);
  deleteFlows(connection, ofAddress(own4));
  t.deepEqual(trackedPorts(), [1006, 1007, ...foreign, 3001]);
});

for (const errno of ['EINVAL', 'EOPNOTSUPP'] as const)
  test.serial(`falls back to a dump where the kernel answers a filtered delete with ${errno}`, async (t) => {
    start();
    const fd = openNetlinkSocket(protocols.netfilter);
    const isFiltered = ({ type, payload }: RawMessage) => type === 0x102 && payload.includes(Buffer.of(20, 0, 25, 128));
    const refusals: Buffer[] = [];
    const old = new Connection({
      send(bytes, length) {
        const sent = [...readMessages(bytes.subarray(0, length))];
        if (sent.some(isFiltered)) refusals.push(...sent.map((one) => refused(one, errno)));
        else send(fd, bytes, length);
      },
      receive: (buffer) => refusals.shift()?.copy(buffer) ?? receive(fd, buffer),
      close: () => closeSocket(fd),
    });
    t.is(await dumpsDuring(old, () => deleteFlows(old, ofAddress(own4))), 1);
    old.close();
    t.deepEqual(trackedPorts(), [1006, 1007, ...foreign]);
  });

test.serial('removes a dual-stack container with one dump, and leaves foreign flows', async (t) => {
  start();
  const host = KernelNamespace.own();
  const kernel = new KernelHandles(host);
  const why = 'a test';
  const ports = [
    { protocol: 'tcp', address: parseAddress('0.0.0.0'), port: 8080, to: { address: parseAddress(own4), port: 80 } },
    { protocol: 'sctp', address: parseAddress('0.0.0.0'), port: 8080, to: { address: parseAddress(own4), port: 80 } },
    { protocol: 'tcp', address: parseAddress('::'), port: 8080, to: { address: parseAddress(own6), port: 80 } },
  ] as const;
  const steps: readonly Step[] = [
    { kind: 'own-flows', in: 'host', link: 'lo', addresses: [parseAddress(own4)], why },
    { kind: 'up', in: 'host', link: 'lo', why },
    { kind: 'own-flows', in: 'host', link: 'lo', addresses: [parseAddress(own6), parseAddress('10.0.0.2')], why },
    { kind: 'flows', in: 'host', when: 'undone', ports, why },
  ];
  t.is(await dumpsDuring(host.netfilter, () => undo('remove', steps, kernelKinds as Kinds, kernel)), 1);
  t.deepEqual(trackedPorts(), foreign);
  kernel[Symbol.dispose]();
  host.close();
});
