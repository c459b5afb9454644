import { isIP } from 'node:net';
import test from 'ava';
import fc from 'fast-check';
import {
  type Address,
  contains,
  formatAddress,
  formatHost,
  formatPrefix,
  fromBytes,
  isAddress,
  isLoopback,
  isUnspecified,
  lastAddress,
  network,
  offset,
  overlaps,
  type Prefix,
  parseAddress,
  parsePrefix,
  sameAddress,
  toBytes,
  unspecified,
  width,
} from '../../src/values/address.ts';

/** Half of the 16-bit words are zero, so that every shape of `::` comes up. */
const sixteenBytes = fc
  .array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff })), { minLength: 8, maxLength: 8 })
  .map((words) => words.flatMap((word) => [word >> 8, word & 0xff]));
const fourBytes = fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 4, maxLength: 4 });
const address = fc.oneof(fourBytes, sixteenBytes).map((bytes) => fromBytes(bytes));
const prefix = address.chain((value) =>
  fc.integer({ min: 0, max: width(value.family) }).map((length) => ({ address: value, length })),
);
/** Two prefixes that are often neighbours. */
const pair = fc.oneof(
  fc.tuple(prefix, prefix),
  fc
    .tuple(prefix, fc.nat(128), fc.integer({ min: -3, max: 3 }))
    .map(
      ([one, bits, step]) =>
        [one, { address: near(one.address, step), length: bits % (width(one.address.family) + 1) }] as const,
    ),
);

function near({ family, value }: Address, step: number): Address {
  return { family, value: BigInt.asUintN(width(family), value + BigInt(step)) };
}

/** The address as a text of ones and zeros. */
function bits({ family, value }: Address): string {
  return value.toString(2).padStart(width(family), '0');
}

/** The naive model: an address lies in a prefix when the texts begin alike. */
function beginsAlike(one: Prefix, other: Address): boolean {
  return one.address.family === other.family && bits(other).startsWith(bits(one.address).slice(0, one.length));
}

test('what is formatted is read back as the same address, of both families', (t) => {
  fc.assert(fc.property(address, (value) => sameAddress(parseAddress(formatAddress(value)), value)));
  t.pass();
});

test('bytes are read back as they were written, four or sixteen of them', (t) => {
  fc.assert(
    fc.property(fc.oneof(fourBytes, sixteenBytes), (bytes) => {
      t.deepEqual([...toBytes(fromBytes(bytes))], bytes);
    }),
  );
});

test('IPv6 is written as RFC 5952 asks, which is how a URL writes it', (t) => {
  fc.assert(
    fc.property(sixteenBytes, (bytes) => {
      const value = fromBytes(bytes);
      t.is(formatHost(value), new URL(`http://${formatHost(value)}/`).hostname);
    }),
  );
  t.is(formatAddress(parseAddress('2001:DB8:0:0:1:0:0:1')), '2001:db8::1:0:0:1');
});

test('a text is an address exactly when Node says so', (t) => {
  const alphabet = fc.constantFrom(...'0123456789abcdef:.'.split(''));
  const text = fc.oneof(
    fc.string({ unit: alphabet, maxLength: 24 }),
    fc.ipV4(),
    fc.ipV6(),
    fc.tuple(fc.ipV6(), fc.ipV4(), fc.nat(20)).map(([six, four, cut]) => six.slice(0, cut) + four),
  );
  fc.assert(
    fc.property(text, (candidate) => {
      t.is(isAddress(candidate), isIP(candidate) !== 0, candidate);
    }),
    { numRuns: 5000 },
  );
});

test('half-written, octal and scoped addresses are refused', (t) => {
  for (const text of [
    '',
    '1',
    '1.2.3',
    '010.1.1.1',
    '::ffff:010.1.1.1',
    '1.2.3.256',
    '0x7f.0.0.1',
    'fe80::1%eth0',
    '1::2::3',
    ' ::1',
    ':::',
  ]) {
    t.false(isAddress(text), text);
    t.throws(() => parseAddress(text), { name: 'GangwayError', message: `invalid IP address: ${text}` });
  }
});

test('a prefix is read with its host bits and refused where its length is none', (t) => {
  t.is(formatPrefix(parsePrefix('172.17.0.1/16')), '172.17.0.1/16');
  fc.assert(fc.property(prefix, (value) => formatPrefix(parsePrefix(formatPrefix(value))) === formatPrefix(value)));
  for (const text of [
    '172.17.0.1',
    '172.17.0.1/33',
    'fd00::/129',
    '/16',
    '172.17.0.1/',
    '172.17.0.1/-1',
    '1.2.3.4/8/8',
  ])
    t.throws(() => parsePrefix(text), { message: `invalid subnet ${text}: invalid CIDR block notation` });
});

test('a network has no host bits and a last address nothing but', (t) => {
  fc.assert(
    fc.property(prefix, (value) => {
      const kept = bits(value.address).slice(0, value.length);
      const rest = width(value.address.family) - value.length;
      t.is(bits(network(value).address), kept + '0'.repeat(rest));
      t.is(bits(lastAddress(value)), kept + '1'.repeat(rest));
    }),
  );
  t.is(formatPrefix(network(parsePrefix('172.17.0.1/16'))), '172.17.0.0/16');
  t.is(formatAddress(lastAddress(parsePrefix('172.17.0.1/16'))), '172.17.255.255');
});

test('a prefix contains what begins like it', (t) => {
  fc.assert(
    fc.property(pair, ([one, other]) => {
      t.is(contains(one, other.address), beginsAlike(one, other.address));
    }),
  );
});

test('two prefixes overlap when the shorter one contains the longer one', (t) => {
  fc.assert(
    fc.property(pair, ([one, other]) => {
      const [short, long] = one.length < other.length ? [one, other] : [other, one];
      t.is(overlaps(one, other), beginsAlike(short, long.address));
      t.is(overlaps(other, one), overlaps(one, other));
    }),
  );
});

test('every address of 127.0.0.0/8 is a loopback, and ::1 alone', (t) => {
  const all = ['127.0.0.1', '127.255.0.9', '::1', '126.0.0.1', '128.0.0.1', '::2', '::', 'fe80::1'];
  t.deepEqual(
    all.filter((text) => isLoopback(parseAddress(text))),
    ['127.0.0.1', '127.255.0.9', '::1'],
  );
});

test('the unspecified address is zero of its family', (t) => {
  t.is(formatAddress(unspecified(4)), '0.0.0.0');
  t.is(formatAddress(unspecified(6)), '::');
  t.true(isUnspecified(parseAddress('::')));
  t.false(isUnspecified(parseAddress('0.0.0.1')));
  t.false(sameAddress(unspecified(4), unspecified(6)));
});

test('an offset counts addresses', (t) => {
  t.is(formatAddress(offset(parseAddress('10.0.0.255'), 1)), '10.0.1.0');
  t.is(formatAddress(offset(parseAddress('fd00::ffff'), 1n)), 'fd00::1:0');
});
