// `--proxy-protocol`: which ports of a container it means, and for how long.
import test from 'ava';
import { parseAddress } from '../../src/values/address.ts';
import { containerRequest } from '../../src/values/container.ts';
import { parsePublish } from '../../src/values/port-grammar.ts';
import {
  forgetUnpublished,
  introducing,
  parseProxyProtocol,
  refuseUnpublished,
  withProxyProtocol,
} from '../../src/values/proxy-protocol.ts';

const tcp = (port: number) => ({ port, protocol: 'tcp' }) as const;
const request = (...publish: readonly string[]) =>
  containerRequest({ command: ['true'], publish: publish.map(parsePublish) });

test('a port or a range, over TCP', (t) => {
  t.deepEqual(parseProxyProtocol('80'), [tcp(80)]);
  t.deepEqual(parseProxyProtocol('80-81/tcp'), [tcp(80), tcp(81)]);
  t.throws(() => parseProxyProtocol('53/udp'), { message: /introduces clients of tcp/ });
  t.throws(() => parseProxyProtocol('http'), { message: /invalid port "http"/ });
});

test('what is named twice is meant once, and without a name nothing is said', (t) => {
  t.deepEqual(withProxyProtocol(request('80'), []), request('80'));
  const once = withProxyProtocol(request('80'), [tcp(80)]);
  t.deepEqual(withProxyProtocol(once, [tcp(80), tcp(81)]).proxyProtocol, [tcp(80), tcp(81)]);
});

test('it needs a port that leads there: within a range, or exposed and all published', (t) => {
  t.notThrows(() => refuseUnpublished(withProxyProtocol(request('8080-8090:80-90'), [tcp(85)])));
  t.throws(() => refuseUnpublished(withProxyProtocol(request('8080:80', '81/udp'), [tcp(81)])), { message: /81\/tcp/ });
  const exposed = { ...request(), expose: [tcp(80)] };
  t.notThrows(() => refuseUnpublished(withProxyProtocol({ ...exposed, publishAll: true }, [tcp(80)])));
  t.throws(() => refuseUnpublished(withProxyProtocol(exposed, [tcp(80)])));
});

test('what is published no more is forgotten', (t) => {
  const both = withProxyProtocol(request('80', '81'), [tcp(80), tcp(81)]);
  t.deepEqual(forgetUnpublished(both), both);
  t.deepEqual(forgetUnpublished({ ...both, publish: request('81').publish }).proxyProtocol, [tcp(81)]);
  t.false('proxyProtocol' in forgetUnpublished({ ...both, publish: [] }));
});

test('every binding of the container’s port is meant, and no other', (t) => {
  const binding = { protocol: 'tcp', hostAddress: parseAddress('::'), hostPort: 8080, containerPort: 80 } as const;
  const introduce = introducing(withProxyProtocol(request('80'), [tcp(80)]));
  t.deepEqual(introduce(binding), { ...binding, clientAddress: 'header' });
  t.deepEqual(introduce({ ...binding, hostPort: 9 }).clientAddress, 'header');
  t.is(introduce({ ...binding, protocol: 'udp' }).clientAddress, undefined);
  t.is(introduce({ ...binding, containerPort: 81 }).clientAddress, undefined);
});
