import test from 'ava';
import { hostPorts } from '../../src/engine/observe.ts';
import { parseAddress } from '../../src/values/address.ts';
import { container, lifeIn } from '../support/records.ts';

test('of 225,000 published ports the highest is found: as many are too many for one call', (t) => {
  const forwards = Array.from({ length: 8 }, (_, host) => ({
    protocol: 'tcp' as const,
    hostAddress: parseAddress(`192.0.2.${host}`),
    target: parseAddress('172.17.0.2'),
    ports: [{ hostPort: 1, containerPort: 1, count: 65_535 }],
  }));
  const { cursor, ephemeral } = hostPorts([container({ life: lifeIn('/nonexistent', { forwards }) })]);
  t.is(cursor, ephemeral.last);
});
