import test from 'ava';
import { parseAddress, parsePrefix } from '../../src/values/address.ts';
import { gather, spread } from '../../src/values/forward-set.ts';
import type { Forward } from '../../src/values/port.ts';

function forward(hostPort: number, containerPort: number, host = '0.0.0.0'): Forward {
  return {
    binding: { protocol: 'tcp', hostAddress: parseAddress(host), hostPort, containerPort },
    target: parseAddress('172.17.0.2'),
  };
}

test('neighbours that lead to neighbours are a run', (t) => {
  const forwards = [forward(1, 81), forward(2, 82), forward(3, 84), forward(5, 86), forward(4, 85)];
  const [set, ...more] = gather(forwards);
  t.deepEqual(more, []);
  t.deepEqual(set?.ports, [
    { hostPort: 1, containerPort: 81, count: 2 },
    { hostPort: 3, containerPort: 84, count: 1 },
    { hostPort: 5, containerPort: 86, count: 1 },
    { hostPort: 4, containerPort: 85, count: 1 },
  ]);
  t.deepEqual(spread(gather(forwards)), forwards);
});

test('what differs in anything but its ports is another set', (t) => {
  const one = forward(1, 1);
  const all: readonly Forward[] = [
    one,
    forward(2, 2, '::'),
    { ...one, target: parseAddress('172.17.0.3') },
    { ...one, routed: true },
    { ...one, binding: { ...one.binding, protocol: 'udp' } },
    { ...one, binding: { ...one.binding, clientAddress: 'header' } },
    { ...one, near: [parsePrefix('172.17.0.0/16')] },
    { ...one, near: [parsePrefix('172.18.0.0/16')] },
  ];
  t.is(gather(all).length, all.length);
  t.deepEqual(spread(gather(all)), all);
  t.is(gather([...all, ...all.map((each) => ({ ...each }))]).length, all.length);
});
