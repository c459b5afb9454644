// A container's ports in docker's words.
import test from 'ava';
import { exposedPorts, forwardedPorts, portBindings } from '../../src/engine/container/inspect-ports.ts';
import { parseAddress } from '../../src/values/address.ts';
import { parseExpose, parsePublish } from '../../src/values/port-grammar.ts';

test('what was asked for stands port by port, without what was left open', (t) => {
  const published = ['127.0.0.1:8080:80', '8081:80', '53/udp', '8000-8001:90-91', '8200-8210:92'].map(parsePublish);
  t.deepEqual(portBindings(published), {
    '80/tcp': [
      { HostIp: '127.0.0.1', HostPort: '8080' },
      { HostIp: '', HostPort: '8081' },
    ],
    '53/udp': [{ HostIp: '', HostPort: '' }],
    '90/tcp': [{ HostIp: '', HostPort: '8000' }],
    '91/tcp': [{ HostIp: '', HostPort: '8001' }],
    '92/tcp': [{ HostIp: '', HostPort: '8200-8210' }],
  });
});

test('a published port is exposed, whether that was said or not', (t) => {
  const asked = { publish: [parsePublish('8080-8081:80-81')], expose: parseExpose('81-82') };
  t.deepEqual(Object.keys(exposedPorts(asked)), ['80/tcp', '81/tcp', '82/tcp']);
});

test('what is: the host side of published ports, nothing for exposed ones, no port of the host where it is routed', (t) => {
  const binding = { protocol: 'tcp', hostAddress: parseAddress('0.0.0.0'), hostPort: 8080, containerPort: 80 } as const;
  const target = parseAddress('172.18.0.2');
  t.deepEqual(forwardedPorts([{ binding, target }], parseExpose('80-81')), {
    '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '8080' }],
    '81/tcp': null,
  });
  const introduced = { ...binding, clientAddress: 'header' } as const;
  t.deepEqual(forwardedPorts([{ binding: introduced, target }], []), {
    '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '8080', ClientAddress: 'header' }],
  });
  t.deepEqual(forwardedPorts([{ binding, target, routed: true }], []), {
    '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '' }],
  });
});
