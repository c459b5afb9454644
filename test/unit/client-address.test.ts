// `--proxy-protocol` and `--transparent-source`: which ports of a container they mean, and for how long.
import test from 'ava';
import { parseAddress } from '../../src/values/address.ts';
import {
  checkIntroduced,
  forgetUnpublished,
  introducing,
  parseIntroduced,
  refuseAimless,
  withIntroduced,
} from '../../src/values/client-address.ts';
import { containerRequest } from '../../src/values/container.ts';
import { parsePublish } from '../../src/values/port-grammar.ts';

const tcp = (port: number) => ({ port, protocol: 'tcp' }) as const;
const request = (...publish: readonly string[]) =>
  containerRequest({ command: ['true'], publish: publish.map(parsePublish) });
const typed = (...texts: readonly string[]) => parseIntroduced({ proxyProtocol: texts, transparentSource: [] });

test('a port or a range, over TCP', (t) => {
  t.deepEqual(typed('80'), { proxyProtocol: [tcp(80)] });
  t.deepEqual(typed('80-81/tcp', '80'), { proxyProtocol: [tcp(80), tcp(81)] });
  t.deepEqual(parseIntroduced({ proxyProtocol: [], transparentSource: ['80'] }), { transparentSource: [tcp(80)] });
  t.deepEqual(typed(), {});
  t.throws(() => typed('53/sctp'), { message: /introduced over tcp, and --proxy-protocol 53\/sctp is sctp/ });
  t.throws(() => typed('53/udp'), { message: /introduced over tcp, and --proxy-protocol 53\/udp is udp/ });
  t.throws(() => typed('http'), { message: /invalid port "http"/ });
  t.throws(() => checkIntroduced({ transparentSource: [{ port: 53, protocol: 'udp' }] }), {
    message: /--transparent-source 53\/udp is udp/,
  });
});

test('what is named twice is meant once, and without a name nothing is said', (t) => {
  t.deepEqual(withIntroduced(request('80'), {}), request('80'));
  const once = withIntroduced(request('80'), { proxyProtocol: [tcp(80)] });
  t.deepEqual(withIntroduced(once, { proxyProtocol: [tcp(80), tcp(81)] }).proxyProtocol, [tcp(80), tcp(81)]);
});

test('it needs a port that leads there: within a range, or exposed and all published; and one way for each', (t) => {
  const headed = (of: ReturnType<typeof request>, port: number) => () =>
    refuseAimless(withIntroduced(of, { proxyProtocol: [tcp(port)] }));
  t.notThrows(headed(request('8080-8090:80-90'), 85));
  t.throws(headed(request('8080:80', '81/udp'), 81), { message: /--proxy-protocol 81\/tcp: no published port/ });
  const exposed = { ...request(), expose: [tcp(80)] };
  t.notThrows(headed({ ...exposed, publishAll: true }, 80));
  t.throws(headed(exposed, 80));
  const both = { proxyProtocol: [tcp(80)], transparentSource: [tcp(80)] };
  t.throws(() => refuseAimless(withIntroduced(request('80'), both)), { message: /port 80\/tcp .* in two ways/ });
});

test('what is published no more is forgotten', (t) => {
  const both = withIntroduced(request('80', '81'), { proxyProtocol: [tcp(80)], transparentSource: [tcp(81)] });
  t.deepEqual(forgetUnpublished(both), both);
  const less = forgetUnpublished({ ...both, publish: request('81').publish });
  t.false('proxyProtocol' in less);
  t.deepEqual(less.transparentSource, [tcp(81)]);
});

test('every binding of the container’s port is meant, and no other', (t) => {
  const binding = { protocol: 'tcp', hostAddress: parseAddress('::'), hostPort: 8080, containerPort: 80 } as const;
  const introduce = introducing({ proxyProtocol: [tcp(80)], transparentSource: [tcp(81)] });
  t.deepEqual(introduce(binding), { ...binding, clientAddress: 'header' });
  t.is(introduce({ ...binding, hostPort: 9 }).clientAddress, 'header');
  t.is(introduce({ ...binding, protocol: 'udp' }).clientAddress, undefined);
  t.is(introduce({ ...binding, containerPort: 81 }).clientAddress, 'transparent');
  t.is(introduce({ ...binding, containerPort: 82 }).clientAddress, undefined);
});

test('every port there is, in both ways, is told soon', (t) => {
  const everything = parseIntroduced({ proxyProtocol: ['1-65535'], transparentSource: ['1-65535'] });
  const exposed = Array.from({ length: 65_535 }, (_, index) => tcp(index + 1));
  const asked = { ...request(), publishAll: true, expose: exposed, ...everything };
  t.throws(() => refuseAimless(asked), { message: /port 1\/tcp .* in two ways/ });
  t.deepEqual(forgetUnpublished(asked).proxyProtocol, exposed);
});
