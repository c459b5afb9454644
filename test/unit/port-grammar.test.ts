import test from 'ava';
import fc from 'fast-check';
import { type Address, isHostAddress } from '../../src/values/address.ts';
import { type ErrorCode, GangwayError } from '../../src/values/errors.ts';
import { type PublishedPort, protocols } from '../../src/values/port.ts';
import { formatPublish, parseExpose, parsePort, parsePublish, refuseOverlaps } from '../../src/values/port-grammar.ts';

const local: Address = { family: 4, value: 0x7f000001n };
const port = (number: number) => ({ first: number, last: number });

const meanings: Record<string, PublishedPort> = {
  '80': { protocol: 'tcp', containerPort: port(80) },
  ':80': { protocol: 'tcp', containerPort: port(80) },
  '0:80': { protocol: 'tcp', containerPort: port(80) },
  '8080:80': { protocol: 'tcp', hostPort: port(8080), containerPort: port(80) },
  '8500:80/TCP': { protocol: 'tcp', hostPort: port(8500), containerPort: port(80) },
  '8080:80/udp': { protocol: 'udp', hostPort: port(8080), containerPort: port(80) },
  '8080:80/SCTP': { protocol: 'sctp', hostPort: port(8080), containerPort: port(80) },
  '8200-8210:90': { protocol: 'tcp', hostPort: { first: 8200, last: 8210 }, containerPort: port(90) },
  '80-82': { protocol: 'tcp', containerPort: { first: 80, last: 82 } },
  '8000-8002:80-82': { protocol: 'tcp', hostPort: { first: 8000, last: 8002 }, containerPort: { first: 80, last: 82 } },
  '127.0.0.1:8080:80': { protocol: 'tcp', hostAddress: local, hostPort: port(8080), containerPort: port(80) },
  '127.0.0.1::80': { protocol: 'tcp', hostAddress: local, containerPort: port(80) },
  '[::1]:8080:80': {
    protocol: 'tcp',
    hostAddress: { family: 6, value: 1n },
    hostPort: port(8080),
    containerPort: port(80),
  },
  '[::1]::80': { protocol: 'tcp', hostAddress: { family: 6, value: 1n }, containerPort: port(80) },
};

for (const [text, meaning] of Object.entries(meanings)) {
  test(`-p ${text}`, (t) => t.deepEqual(parsePublish(text), meaning));
}

const refusals: Record<string, readonly [code: ErrorCode, message: string]> = {
  '': ['invalid-port', 'no port specified'],
  '/tcp': ['invalid-port', 'no port specified'],
  '80:': ['invalid-port', 'no container port in "80:"'],
  abc: ['invalid-port', 'invalid container port "abc"'],
  '80:abc': ['invalid-port', 'invalid container port "abc"'],
  '70000:80': ['invalid-port', 'invalid host port "70000"'],
  '80:70000': ['invalid-port', 'invalid container port "70000"'],
  '80:0': ['invalid-port', 'invalid container port "0"'],
  '-1:80': ['invalid-port', 'invalid host port "-1"'],
  '1e3:80': ['invalid-port', 'invalid host port "1e3"'],
  '8080: 80': ['invalid-port', 'invalid container port " 80"'],
  '0-10:80': ['invalid-port', 'invalid host port "0-10"'],
  '8010-8000:80': ['invalid-port', 'invalid host port "8010-8000"'],
  '8000-8010:80-85': ['invalid-port', 'host ports 8000-8010 and container ports 80-85 differ in number'],
  '8000:80-85': ['invalid-port', 'host ports 8000 and container ports 80-85 differ in number'],
  '80:80/icmp': ['invalid-port', 'invalid protocol "icmp"'],
  '80:80/tcp/udp': ['invalid-port', 'invalid protocol "tcp/udp"'],
  'localhost:80:80': ['invalid-address', 'invalid IP address "localhost"'],
  '999.1.1.1:80:80': ['invalid-address', 'invalid IP address "999.1.1.1"'],
  '::1:8600:80': ['invalid-address', 'invalid IP address "::1"'],
  '[127.0.0.1]:80:80': ['invalid-address', 'invalid IP address "[127.0.0.1]"'],
  '[::ffff:127.0.0.1]:8080:80': ['invalid-address', 'invalid IP address "[::ffff:127.0.0.1]"'],
  '127.0.0.1:80': ['invalid-port', 'invalid host port "127.0.0.1"'],
  '[::1]:80': ['invalid-port', 'invalid host port "[::1]"'],
  '1:2:3:4': ['invalid-address', 'invalid IP address "1:2"'],
};

for (const [text, [code, message]] of Object.entries(refusals)) {
  test(`-p ${JSON.stringify(text)} is refused`, (t) => {
    const error = t.throws(() => parsePublish(text), { instanceOf: GangwayError, message });
    t.is(error?.code, code);
    t.truthy(error?.hint);
  });
}

const family = fc.constantFrom(4 as const, 6 as const);
const address = family
  .chain((family) =>
    fc.bigInt({ min: 0n, max: (1n << (family === 4 ? 32n : 128n)) - 1n }).map((value) => ({ family, value })),
  )
  .filter((one) => one.value === 0n || isHostAddress(one));

/** Every value that a `-p` can mean. */
const published = fc
  .record({
    protocol: fc.constantFrom(...protocols),
    hostAddress: fc.option(address, { nil: undefined }),
    host: fc.option(fc.integer({ min: 1, max: 65000 }), { nil: undefined }),
    container: fc.integer({ min: 1, max: 65000 }),
    more: fc.nat(500),
    choose: fc.boolean(),
  })
  .map(({ protocol, hostAddress, host, container, more, choose }): PublishedPort => {
    return {
      protocol,
      ...(hostAddress !== undefined && { hostAddress }),
      ...(host !== undefined && { hostPort: { first: host, last: host + more } }),
      containerPort: { first: container, last: choose ? container : container + more },
    };
  });

test('what formatPublish writes, parsePublish reads back', (t) => {
  fc.assert(fc.property(published, (value) => t.deepEqual(parsePublish(formatPublish(value)), value)));
});

test('any text is read or refused with a code, and what is read is written in one way', (t) => {
  const noise = fc.oneof(fc.string(), fc.stringMatching(/^[\d:./[\]tcpuds-]{0,24}$/));
  fc.assert(
    fc.property(noise, (text) => {
      try {
        const written = formatPublish(parsePublish(text));
        t.is(formatPublish(parsePublish(written)), written);
      } catch (error) {
        t.true(error instanceof GangwayError);
      }
    }),
  );
});

test('--expose takes ports and ranges', (t) => {
  t.deepEqual(parseExpose('80'), [{ port: 80, protocol: 'tcp' }]);
  t.deepEqual(parseExpose('53-54/udp'), [
    { port: 53, protocol: 'udp' },
    { port: 54, protocol: 'udp' },
  ]);
  for (const text of ['abc', '', '80:80', '2-1']) {
    t.like(
      t.throws(() => parseExpose(text), { instanceOf: GangwayError }),
      { code: 'invalid-port' },
    );
  }
});

test('nobody can be reached at a group’s address', (t) => {
  for (const host of ['224.0.0.1', '255.255.255.255', '[ff02::1]']) {
    const error = t.throws(() => parsePublish(`${host}:80:80`), { message: `invalid IP address "${host}"` });
    t.is((error as GangwayError).code, 'invalid-address');
    t.notRegex((error as GangwayError).hint ?? '', /brackets/);
  }
});

test('gangway port takes one port', (t) => {
  t.deepEqual(parsePort('80/udp'), { port: 80, protocol: 'udp' });
  t.throws(() => parsePort('80-81'), { instanceOf: GangwayError });
});

test('one port of the host is published once', (t) => {
  const clash =
    (...texts: string[]) =>
    () =>
      refuseOverlaps(texts.map(parsePublish));
  t.throws(clash('8700:80', '8700:81'), { message: /8700:80\/tcp and 8700:81\/tcp/ });
  t.throws(clash('8700:80', '8700:80'), { instanceOf: GangwayError });
  t.throws(clash('8700:80', '127.0.0.1:8700:81'), { instanceOf: GangwayError });
  t.throws(clash('0.0.0.0:8700:80', '127.0.0.1:8700:81'), { instanceOf: GangwayError });
  t.throws(clash('8000-8009:80-89', '8009:99'), { instanceOf: GangwayError });
  t.notThrows(clash('8700:80', '8700:80/udp'));
  t.notThrows(clash('127.0.0.1:8700:80', '127.0.0.2:8700:80'));
  t.notThrows(clash('0.0.0.0:8700:80', '[::]:8700:80'));
  t.notThrows(clash('80', '80', '8700-8701:80', '8700-8701:81'));
});
