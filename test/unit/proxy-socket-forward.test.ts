import test from 'ava';
import { forwardsOf, targetOf } from '../../src/services/proxy/socket-forward.ts';
import { formatHost, parseAddress } from '../../src/values/address.ts';
import type { Forward, Protocol } from '../../src/values/port.ts';
import { sockets } from '../support/sockets.ts';

function forward(host: string, hostPort: number, target = '172.17.0.2', protocol: Protocol = 'tcp'): Forward {
  return {
    binding: { protocol, hostAddress: parseAddress(host), hostPort, containerPort: 80 },
    target: parseAddress(target),
  };
}

/** As one reads it: `[::]:8080+0.0.0.0:8080`. */
function shared(...forwards: readonly Forward[]): readonly string[] {
  const name = ({ binding: { hostAddress, hostPort } }: Forward) => `${formatHost(hostAddress)}:${hostPort}`;
  return sockets(...forwards).map((socket) => forwardsOf(socket).toReversed().map(name).join('+'));
}

test('a port on all addresses of both families takes one socket', (t) => {
  t.deepEqual(shared(forward('0.0.0.0', 1), forward('::', 1), forward('0.0.0.0', 2), forward('::', 2)), [
    '[::]:1+0.0.0.0:1',
    '[::]:2+0.0.0.0:2',
  ]);
});

test('what is published at one family, at an address, by another protocol or with something else about it stays alone', (t) => {
  t.deepEqual(shared(forward('0.0.0.0', 1), forward('::', 2)), ['0.0.0.0:1', '[::]:2']);
  t.deepEqual(shared(forward('127.0.0.1', 1), forward('::1', 1)), ['127.0.0.1:1', '[::1]:1']);
  t.deepEqual(shared(forward('127.0.0.1', 1), forward('::', 1)), ['127.0.0.1:1', '[::]:1']);
  t.deepEqual(shared(forward('0.0.0.0', 1), forward('::', 1, '172.17.0.2', 'udp')), ['0.0.0.0:1', '[::]:1']);
  const other = forward('::', 1);
  t.is(shared(forward('0.0.0.0', 1), { ...other, binding: { ...other.binding, containerPort: 81 } }).length, 2);
});

test('of SCTP each family has its own', (t) => {
  const both = ['0.0.0.0', '::'].map((host) => forward(host, 1, '172.17.0.2', 'sctp'));
  t.deepEqual(shared(...both), ['0.0.0.0:1', '[::]:1']);
});

test('each family is led to its own target', (t) => {
  const [four, six] = [forward('0.0.0.0', 1, '172.17.0.2'), forward('::', 1, 'fd00::2')];
  const [both, alone] = [...sockets(six, four), ...sockets(four)];
  if (both === undefined || alone === undefined) throw new Error('no sockets');
  t.deepEqual(forwardsOf(both), [four, six]);
  const target = (each: Forward) => ({ address: each.target, port: 80 });
  t.deepEqual([targetOf(both, 4), targetOf(both, 6)], [target(four), target(six)]);
  t.deepEqual([targetOf(alone, 4), targetOf(alone, 6)], [target(four), target(four)]);
});
