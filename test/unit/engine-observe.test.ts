import test from 'ava';
import { hostPorts } from '../../src/engine/ports/host-ports.ts';
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

test('a port is held on what its addresses have in common, and is free for whoever has it himself', (t) => {
  const forwards = [
    {
      protocol: 'tcp' as const,
      hostAddress: parseAddress('0.0.0.0'),
      target: parseAddress('172.17.0.2'),
      ports: [{ hostPort: 20_011, containerPort: 80, count: 2 }],
    },
  ];
  const containers = [container({ life: lifeIn('/nonexistent', { forwards }) })];
  const asked = (hostAddress: string, hostPort: number, protocol: 'tcp' | 'udp' = 'tcp') =>
    ({ protocol, hostAddress: parseAddress(hostAddress), hostPort, containerPort: 80 }) as const;
  const { holder } = hostPorts(containers);
  t.is(holder(asked('192.0.2.1', 20_011)), 'container web');
  t.is(holder(asked('0.0.0.0', 20_012)), 'container web');
  for (const free of [asked('::1', 20_011), asked('0.0.0.0', 20_013), asked('0.0.0.0', 20_011, 'udp')])
    t.is(holder(free), undefined);
  t.is(hostPorts(containers, containers[0]?.id).holder(asked('0.0.0.0', 20_011)), undefined);
});
