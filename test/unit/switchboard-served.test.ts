/** What has to change for what is served to be what is wanted, and what is told of it. */
import test from 'ava';
import { compare } from '../../src/engine/switchboard/port-diff.ts';
import { relayTraffic } from '../../src/engine/switchboard/status.ts';
import { Counters } from '../../src/services/proxy/counters.ts';
import type { Relay } from '../../src/services/proxy/relay.ts';
import { type SocketForward, socketForwardsOf } from '../../src/services/proxy/socket-forward.ts';
import { formatAddress, parseAddress } from '../../src/values/address.ts';
import type { ForwardSet } from '../../src/values/forward-set.ts';
import { formatRange } from '../../src/values/port-grammar.ts';

function set(host: string, hostPort: number, count: number, containerPort = hostPort): ForwardSet {
  const ports = [{ hostPort, containerPort, count }];
  return { protocol: 'tcp', hostAddress: parseAddress(host), target: parseAddress('172.17.0.2'), ports };
}

const both = (...range: readonly [number, number, number?]) => ['0.0.0.0', '::'].map((host) => set(host, ...range));

/** One that has carried as many bytes as its port has for a number. */
function relay(forward: SocketForward): Relay {
  const counts = { ...new Counters().read(), bytesIn: forward.hostPort };
  return { forward, clients: 0, counts: () => counts, abort: async () => {}, drain: async () => {} };
}

const serving = (sets: readonly ForwardSet[]) => socketForwardsOf(sets).map(relay);
const ports = (relays: readonly Relay[]) => relays.map(({ forward }) => forward.hostPort);
const written = (sets: readonly ForwardSet[]) =>
  sets.map((each) => `${formatAddress(each.hostAddress)} ${each.ports.map((run) => `${run.hostPort}+${run.count}`)}`);

test('a port that goes from a range leaves its neighbours alone', (t) => {
  const { stay, gone, left, missing } = compare(serving(both(1, 5)), [...both(1, 2), ...both(4, 2)]);
  t.deepEqual([ports(stay), ports(gone)], [[1, 2, 4, 5], [3]]);
  t.deepEqual([written(left), written(missing)], [['0.0.0.0 3+1', ':: 3+1'], []]);
});

test('a socket of two families of which one goes is another socket: what stays is missing until it is bound', (t) => {
  const { stay, gone, left, missing } = compare(serving(both(1, 2)), [set('0.0.0.0', 1, 2), set('::', 1, 1)]);
  t.deepEqual([ports(stay), ports(gone)], [[1], [2]]);
  t.deepEqual([written(left), written(missing)], [[':: 2+1'], ['0.0.0.0 2+1']]);
});

test('where nothing is served all is missing, and a port that leads elsewhere is another one', (t) => {
  t.deepEqual(compare([], both(1, 2)).missing, both(1, 2));
  const { gone, missing } = compare(serving(both(1, 2)), both(1, 2, 81));
  t.deepEqual(
    [ports(gone), written(missing)],
    [
      [1, 2],
      ['0.0.0.0 1+2', ':: 1+2'],
    ],
  );
});

test('ports in a row that lead to the same numbers are one line of what was carried', (t) => {
  const served = [...serving(both(1, 3)), ...serving([set('127.0.0.1', 8, 1)]), ...serving(both(10, 2, 80))];
  const told = relayTraffic({ owner: 'c', name: 'web', forwards: [] }, served, (sets) => sets.length);
  t.deepEqual(
    told.map((line) => [
      `${formatAddress(line.hostAddress)} ${formatRange(line.hostPort)}->${formatRange(line.containerPort)}`,
      line.counts.bytesIn,
      line.led,
    ]),
    [
      [':: 1-3->1-3', 6, 2],
      ['127.0.0.1 8->8', 8, 1],
      [':: 10->80', 10, 2],
      [':: 11->81', 11, 2],
    ],
  );
});
