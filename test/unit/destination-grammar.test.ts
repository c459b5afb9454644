import test from 'ava';
import { parseDestination } from '../../src/values/destination-grammar.ts';

test('somebody, an address, and a port where one is meant', (t) => {
  t.deepEqual(parseDestination('web'), { to: 'web' });
  t.deepEqual(parseDestination('web:80'), { to: 'web', port: 80, protocol: 'tcp' });
  t.deepEqual(parseDestination('host:53/udp'), { to: 'host', port: 53, protocol: 'udp' });
  t.deepEqual(parseDestination('203.0.113.1:53', 'udp'), { to: '203.0.113.1', port: 53, protocol: 'udp' });
  t.deepEqual(parseDestination('fd00::2'), { to: 'fd00::2' });
  t.deepEqual(parseDestination('[fd00::2]'), { to: 'fd00::2' });
  t.deepEqual(parseDestination('[fd00::2]:80'), { to: 'fd00::2', port: 80, protocol: 'tcp' });
  t.deepEqual(parseDestination('web', 'icmp'), { to: 'web', protocol: 'icmp' });
});

test('what can’t be meant', (t) => {
  t.throws(() => parseDestination('web:0'), { code: 'invalid-port' });
  t.throws(() => parseDestination('web:'), { code: 'invalid-port' });
  t.throws(() => parseDestination('web:80', 'icmp'), { code: 'conflicting-options' });
  t.throws(() => parseDestination('web:80/udp', 'tcp'), { code: 'conflicting-options' });
});
