import test from 'ava';
import fc from 'fast-check';
import { chooseAddress, chooseSubnet, firstHost } from '../../src/services/ipam.ts';
import {
  type Address,
  formatAddress,
  formatPrefix,
  fromBytes,
  overlaps,
  type Prefix,
  parseAddress,
  parsePrefix,
  sameAddress,
} from '../../src/values/address.ts';

function prefixes(...texts: readonly string[]): readonly Prefix[] {
  return texts.map(parsePrefix);
}

/** Where its owner looks: the words of this test are texts. */
function choose(subnet: string, taken: readonly string[], cursor?: string): string {
  const found = chooseAddress(
    parsePrefix(subnet),
    taken.map(parseAddress),
    cursor === undefined ? undefined : parseAddress(cursor),
  );
  return formatAddress(found);
}

/** The naive model: all addresses but the first and last, from behind the cursor, round the subnet. */
function model(subnet: Prefix, taken: readonly Address[], cursor: Address | undefined): Address | undefined {
  const base = subnet.address.value;
  const size = 1n << BigInt((subnet.address.family === 4 ? 32 : 128) - subnet.length);
  const hosts: Address[] = [];
  for (let step = 1n; step < size - 1n; step++) hosts.push({ family: subnet.address.family, value: base + step });
  const place = cursor === undefined ? -1 : hosts.findIndex((host) => sameAddress(host, cursor));
  const round = [...hosts.slice(place + 1), ...hosts.slice(0, place + 1)];
  return round.find((host) => !taken.some((other) => sameAddress(other, host)));
}

/** Every pool, in order: each is chosen when those before it are taken. */
function pools(): readonly Prefix[] {
  const found: Prefix[] = [];
  for (;;) {
    try {
      found.push(chooseSubnet(found));
    } catch {
      return found;
    }
  }
}

const defaultPools = pools();

const word = fc.integer({ min: 0, max: 255 });
/** A small subnet, some of its addresses and its cursor: any of its hosts, or none. */
const situation = fc
  .record({ six: fc.boolean(), hostBits: fc.integer({ min: 0, max: 6 }), base: fc.tuple(word, word, word, word) })
  .chain(({ six, hostBits, base }) => {
    const address = fromBytes(six ? [0xfd, ...Array(11).fill(0), ...base] : base);
    const length = (six ? 128 : 32) - hostBits;
    const start = (address.value >> BigInt(hostBits)) << BigInt(hostBits);
    const at = (step: number): Address => ({ family: address.family, value: start + BigInt(step) });
    const last = 2 ** hostBits - 1;
    return fc.record({
      subnet: fc.constant({ address: at(0), length }),
      taken: fc.array(fc.nat(last), { maxLength: 70 }).map((steps) => steps.map(at)),
      cursor: fc.option(hostBits < 2 ? fc.constant(at(0)) : fc.integer({ min: 1, max: last - 1 }).map(at), {
        nil: undefined,
      }),
    });
  });

test('the next free address is the one that a walk round the subnet finds', (t) => {
  fc.assert(
    fc.property(situation, ({ subnet, taken, cursor }) => {
      const expected = model(subnet, taken, cursor);
      if (expected === undefined) {
        t.throws(() => chooseAddress(subnet, taken, cursor), {
          message: `no address is free in ${formatPrefix(subnet)}`,
        });
        return;
      }
      const found = chooseAddress(subnet, taken, cursor);
      t.is(formatAddress(found), formatAddress(expected));
      t.false(taken.some((other) => sameAddress(other, found)));
    }),
    { numRuns: 1000 },
  );
});

test('addresses are given out one behind the other, and at the end from the beginning', (t) => {
  t.is(choose('172.17.0.0/16', ['172.17.0.1']), '172.17.0.2');
  t.is(choose('172.17.0.0/16', ['172.17.0.1'], '172.17.0.2'), '172.17.0.3');
  t.is(choose('172.17.0.0/16', ['172.17.0.1', '172.17.0.3'], '172.17.0.2'), '172.17.0.4');
  t.is(choose('172.17.0.0/16', ['172.17.0.1'], '172.17.255.254'), '172.17.0.2');
});

test('one that was let go rests until the round comes to it again', (t) => {
  t.is(choose('10.0.0.0/29', ['10.0.0.1'], '10.0.0.6'), '10.0.0.2');
  t.is(choose('10.0.0.0/29', ['10.0.0.1'], '10.0.0.2'), '10.0.0.3');
});

test('a cursor of another subnet is none', (t) => {
  t.is(choose('10.0.0.0/24', [], '10.0.1.7'), '10.0.0.1');
  t.is(choose('10.0.0.0/24', [], 'fd00::7'), '10.0.0.1');
});

test('a subnet of two has one gateway and one container, smaller ones have nothing to give', (t) => {
  t.is(choose('10.0.0.0/30', ['10.0.0.1']), '10.0.0.2');
  t.throws(() => choose('10.0.0.0/30', ['10.0.0.1', '10.0.0.2']), { code: 'pool-exhausted' });
  for (const subnet of ['10.0.0.0/31', '10.0.0.1/32', 'fd00::/127', 'fd00::/128'])
    t.throws(() => choose(subnet, []), { code: 'pool-exhausted' });
});

test('a large subnet is not walked through: an IPv6 network has more addresses than time', (t) => {
  t.is(choose('fd00::/64', ['fd00::1', 'fd00::2']), 'fd00::3');
});

test('the first host of a subnet is the gateway’s place, whatever host bits it was written with', (t) => {
  t.is(formatAddress(firstHost(parsePrefix('172.17.44.3/16'))), '172.17.0.1');
});

test('the pools are Docker’s own, and none overlaps another', (t) => {
  const written = defaultPools.map(formatPrefix);
  t.is(written.length, 31);
  t.deepEqual(
    [written[0], written[14], written[15], written[30]],
    ['172.17.0.0/16', '172.31.0.0/16', '192.168.0.0/20', '192.168.240.0/20'],
  );
  for (const [index, pool] of defaultPools.entries())
    t.false(defaultPools.slice(index + 1).some((other) => overlaps(pool, other)));
});

test('the first pool is chosen that touches nothing, be it larger, smaller or the same', (t) => {
  const chosen = (...taken: readonly string[]) => formatPrefix(chooseSubnet(prefixes(...taken)));
  t.is(chosen(), '172.17.0.0/16');
  t.is(chosen('172.17.200.0/24'), '172.18.0.0/16');
  t.is(chosen('172.16.0.0/14', '10.0.0.0/8', 'fd00::/8'), '172.20.0.0/16');
  t.is(chosen('172.16.0.0/12', '192.168.1.0/24'), '192.168.16.0/20');
});

test('a machine with a route to everything private has no pool left', (t) => {
  t.throws(() => chooseSubnet(prefixes('172.16.0.0/12', '192.168.0.0/16')), { code: 'pool-exhausted' });
  t.throws(() => chooseSubnet(prefixes('0.0.0.0/0')), { code: 'pool-exhausted' });
});

test('a chosen subnet never touches what is taken', (t) => {
  const taken = fc.array(
    fc
      .tuple(fc.constantFrom(...defaultPools), fc.integer({ min: 12, max: 32 }))
      .map(([{ address }, length]) => ({ address, length })),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(taken, (all) => {
      const free = defaultPools.filter((pool) => !all.some((other) => overlaps(pool, other)));
      if (free[0] === undefined) t.throws(() => chooseSubnet(all), { code: 'pool-exhausted' });
      else t.is(chooseSubnet(all), free[0]);
    }),
  );
});
