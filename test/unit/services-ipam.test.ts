import test from 'ava';
import fc from 'fast-check';
import { checkAddress, chooseAddress, choosePools, type TakenPrefix } from '../../src/services/ipam.ts';
import { occupancy } from '../../src/services/ipam-usage.ts';
import {
  type Address,
  contains,
  type Family,
  formatAddress,
  formatPrefix,
  lastAddress,
  network,
  overlaps,
  type Prefix,
  parseAddress,
  parsePrefix,
  sameAddress,
} from '../../src/values/address.ts';
import { GangwayError } from '../../src/values/errors.ts';
import type { Subnet } from '../../src/values/network.ts';
import { type NetworkWords, parseNetworkCreate } from '../../src/values/network-grammar.ts';

const ula = parsePrefix('fd12:3456:789a::/48');

function made(words: Partial<NetworkWords>, ...taken: readonly TakenPrefix[]): readonly Subnet[] {
  return choosePools(parseNetworkCreate({ name: 'web', ...words }), taken, ula);
}

function route(text: string): TakenPrefix {
  return { prefix: parsePrefix(text), by: `route ${text} dev up0` };
}

function subnets(words: Partial<NetworkWords>, ...taken: readonly TakenPrefix[]): readonly string[] {
  return made(words, ...taken).map(({ subnet }) => formatPrefix(subnet));
}

function gateways(words: Partial<NetworkWords>): readonly (string | undefined)[] {
  return made(words).map(({ gateway }) => gateway && formatAddress(gateway));
}

function subnet(text: string, more: { range?: string; gateway?: string; auxiliary?: readonly string[] } = {}): Subnet {
  return {
    subnet: parsePrefix(text),
    ...(more.range !== undefined && { range: parsePrefix(more.range) }),
    ...(more.gateway !== undefined && { gateway: parseAddress(more.gateway) }),
    auxiliary: Object.fromEntries((more.auxiliary ?? []).map((one, index) => [`aux${index}`, parseAddress(one)])),
  };
}

function choose(place: Subnet | string, used: readonly string[], cursor?: string): string {
  const where = typeof place === 'string' ? subnet(place) : place;
  return formatAddress(
    chooseAddress(where, used.map(parseAddress), cursor === undefined ? undefined : parseAddress(cursor)),
  );
}

/** All default subnets, each when those before it are taken. */
function defaults(count: number): readonly Prefix[] {
  const found: TakenPrefix[] = [];
  for (let number = 0; number < count; number++) {
    const [next] = made({}, ...found);
    if (next === undefined) break;
    found.push({ prefix: next.subnet, by: `network n${number}` });
  }
  return found.map(({ prefix }) => prefix);
}

test('the first 31 networks get Docker’s subnets, in its order', (t) => {
  const written = defaults(31).map(formatPrefix);
  t.deepEqual(
    [written[0], written[14], written[15], written[30]],
    ['172.17.0.0/16', '172.31.0.0/16', '192.168.0.0/20', '192.168.240.0/20'],
  );
});

test('a thousand further networks find room, none on another', (t) => {
  const found = defaults(1200);
  t.is(found.length, 1200);
  t.is(formatPrefix(found[31] as Prefix), '172.16.0.0/24');
  const starts = found.map(({ address }) => address.value).sort((a, b) => Number(a - b));
  t.is(new Set(starts).size, 1200);
  const sorted = found.toSorted((a, b) => Number(a.address.value - b.address.value));
  for (const [index, prefix] of sorted.entries()) {
    const next = sorted[index + 1];
    if (next !== undefined) t.true(lastAddress(prefix).value < next.address.value);
  }
});

test('a subnet of which a route of the machine has any part is left alone', (t) => {
  t.deepEqual(subnets({}, route('172.17.200.0/24')), ['172.18.0.0/16']);
  t.deepEqual(subnets({}, route('172.16.0.0/14'), route('10.0.0.0/8'), route('fd00::/8')), ['172.20.0.0/16']);
  t.deepEqual(subnets({}, { prefix: parsePrefix('172.17.0.2/32'), by: 'name server 172.17.0.2' }), ['172.18.0.0/16']);
});

test('what routes leave over of the private addresses is used, too', (t) => {
  const vpn = [route('172.16.0.0/12'), route('10.0.0.0/8')];
  t.deepEqual(subnets({}, ...vpn, ...Array.from({ length: 16 }, (_, i) => route(`192.168.${i * 16}.0/24`))), [
    '192.168.1.0/24',
  ]);
  t.deepEqual(subnets({}, ...vpn, route('192.168.0.0/16')), ['198.18.0.0/24']);
  t.throws(() => subnets({}, ...vpn, route('192.168.0.0/16'), route('198.0.0.0/8')), { code: 'pool-exhausted' });
});

test('a VPN that takes all traffic with two halves of a default route is in nobody’s way', (t) => {
  const halves = [route('0.0.0.0/1'), route('128.0.0.0/1'), route('::/1'), route('8000::/1')];
  t.deepEqual(subnets({ ipv6: true }, ...halves), ['172.17.0.0/16', 'fd12:3456:789a::/64']);
  t.deepEqual(subnets({ subnets: ['10.9.0.0/24'] }, ...halves), ['10.9.0.0/24']);
});

test('--subnet must lie on no network and no route, and the error names it', (t) => {
  const taken: readonly TakenPrefix[] = [
    { prefix: parsePrefix('10.70.0.0/24'), by: 'network sub' },
    { prefix: parsePrefix('203.0.113.1/24'), by: 'route 203.0.113.0/24 dev up0' },
    { prefix: parsePrefix('9.9.9.9/32'), by: 'name server 9.9.9.9' },
  ];
  t.throws(() => subnets({ subnets: ['10.70.0.128/25'] }, ...taken), {
    code: 'pool-overlaps',
    message: 'subnet 10.70.0.128/25 overlaps 10.70.0.0/24 (network sub)',
  });
  t.throws(() => subnets({ subnets: ['203.0.113.0/24'] }, ...taken), {
    message: 'subnet 203.0.113.0/24 overlaps 203.0.113.0/24 (route 203.0.113.0/24 dev up0)',
  });
  t.deepEqual(subnets({ subnets: ['9.9.9.0/24'] }, ...taken), ['9.9.9.0/24']);
});

test('a macvlan has the subnet of its parent, but not that of another network', (t) => {
  const words = { driver: 'macvlan', subnets: ['203.0.113.0/24'], options: ['parent=up0'] };
  t.deepEqual(subnets(words, route('203.0.113.0/24')), ['203.0.113.0/24']);
  t.throws(() => subnets(words, { prefix: parsePrefix('203.0.113.0/25'), by: 'network mv' }), {
    code: 'pool-overlaps',
  });
  t.deepEqual(subnets({ driver: 'macvlan' }, route('172.17.0.0/16')), ['172.18.0.0/16']);
});

test('0.0.0.0/24 and ::/96 are any subnet of that size', (t) => {
  t.deepEqual(subnets({ subnets: ['0.0.0.0/24'] }), ['172.17.0.0/24']);
  t.deepEqual(subnets({ subnets: ['0.0.0.0/24'] }, route('172.17.0.0/16')), ['172.18.0.0/24']);
  t.deepEqual(subnets({ subnets: ['0.0.0.0/12'] }), ['172.16.0.0/12']);
  t.deepEqual(subnets({ subnets: ['0.0.0.0/8'] }), ['10.0.0.0/8']);
  t.deepEqual(subnets({ subnets: ['::/96'], ipv4: false }), ['fd12:3456:789a::/96']);
  t.deepEqual(subnets({ subnets: ['::/48'], ipv4: false }), ['fd12:3456:789a::/48']);
  for (const size of ['0.0.0.0/0', '0.0.0.0/7', '::/47', '::/0']) {
    t.throws(() => subnets({ subnets: [size], ipv6: true }), { code: 'pool-exhausted' }, size);
  }
});

test('IPv6 networks are /64s of the machine’s own prefix', (t) => {
  t.deepEqual(subnets({ ipv6: true }), ['172.17.0.0/16', 'fd12:3456:789a::/64']);
  t.deepEqual(subnets({ ipv6: true, ipv4: false }, route('fd12:3456:789a::/64')), ['fd12:3456:789a:1::/64']);
  t.throws(() => subnets({ ipv6: true }, route('fd12:3456::/32')), { code: 'pool-exhausted' });
});

test('what is chosen keeps off what is given in the same request', (t) => {
  const words = { driver: 'macvlan', subnets: ['0.0.0.0/16', '172.17.0.0/24', '172.18.5.0/24'] };
  t.deepEqual(subnets(words), ['172.19.0.0/16', '172.17.0.0/24', '172.18.5.0/24']);
  t.deepEqual(subnets({ ...words, subnets: ['fd00::/64', '10.0.0.0/24', '10.0.1.0/24'] }), [
    '10.0.0.0/24',
    '10.0.1.0/24',
    'fd00::/64',
  ]);
});

test('the gateway is the first host of the range, unless somebody says otherwise', (t) => {
  t.deepEqual(gateways({ ipv6: true }), ['172.17.0.1', 'fd12:3456:789a::1']);
  t.deepEqual(gateways({ subnets: ['10.0.0.0/24'], gateways: ['10.0.0.254'] }), ['10.0.0.254']);
  t.deepEqual(gateways({ subnets: ['10.0.0.0/16'], ranges: ['10.0.5.0/24'] }), ['10.0.5.0']);
  t.deepEqual(gateways({ subnets: ['10.0.0.0/24'], auxiliary: ['a=10.0.0.1'] }), ['10.0.0.2']);
  t.deepEqual(gateways({ subnets: ['10.0.0.0/31'] }), ['10.0.0.0']);
  t.deepEqual(gateways({ subnets: ['10.0.0.7/32'] }), ['10.0.0.7']);
});

test('where nobody stands there is no gateway, and its address is free', (t) => {
  const mode = 'com.docker.network.bridge.gateway_mode_ipv4=isolated';
  const inhibit = 'com.docker.network.bridge.inhibit_ipv4=true';
  t.deepEqual(gateways({ internal: true, options: [mode], ipv6: true }), [undefined, 'fd12:3456:789a::1']);
  t.deepEqual(gateways({ internal: true, options: [inhibit] }), [undefined]);
  t.deepEqual(gateways({ options: [inhibit] }), ['172.17.0.1']);
  for (const driver of ['macvlan', 'ipvlan']) {
    t.deepEqual(gateways({ driver }), [undefined]);
    t.deepEqual(gateways({ driver, subnets: ['10.0.0.0/24'], gateways: ['10.0.0.9'] }), ['10.0.0.9']);
  }
  const [pair] = made({ subnets: ['192.168.135.0/31'], internal: true, options: [mode] });
  const [first, second] = ['192.168.135.0', '192.168.135.1'];
  t.is(choose(pair as Subnet, []), first);
  t.is(choose(pair as Subnet, [first]), second);
});

/** What no container gets: the addresses that mean the subnet itself, and those that are somebody's. */
function barred(place: Subnet, used: readonly Address[]): readonly Address[] {
  const [lowest, highest] = [network(place.subnet).address, lastAddress(place.subnet)];
  const tiny = highest.value - lowest.value < 2n;
  return [
    ...(tiny ? [] : [lowest]),
    ...(tiny || highest.family === 6 ? [] : [highest]),
    ...(place.gateway === undefined ? [] : [place.gateway]),
    ...Object.values(place.auxiliary),
    ...used,
  ];
}

/** The naive model: a walk over every address of the range, from behind the cursor. */
function model(place: Subnet, used: readonly Address[], cursor: Address | undefined): Address | undefined {
  const within = place.range ?? place.subnet;
  const { family } = within.address;
  const all: Address[] = [];
  for (let value = network(within).address.value; value <= lastAddress(within).value; value++)
    all.push({ family, value });
  const at = cursor === undefined ? -1 : all.findIndex((one) => sameAddress(one, cursor));
  const taken = barred(place, used);
  return [...all.slice(at + 1), ...all.slice(0, at + 1)].find((one) => !taken.some((other) => sameAddress(one, other)));
}

/** A small subnet, a range in it, what is taken, and a cursor anywhere. */
const situation = fc
  .record({
    six: fc.boolean(),
    hostBits: fc.integer({ min: 0, max: 6 }),
    base: fc.nat(),
    shrink: fc.nat(6),
    at: fc.nat(64),
  })
  .chain(({ six, hostBits, base, shrink, at }) => {
    const family: Family = six ? 6 : 4;
    const width = six ? 128 : 32;
    const start = ((BigInt(base) + (six ? 0xfd00n << 112n : 0n)) >> BigInt(hostBits)) << BigInt(hostBits);
    const place = (step: number): Address => ({ family, value: start + BigInt(step % 2 ** hostBits) });
    const address = fc.nat(63).map(place);
    return fc.record({
      place: fc.record(
        {
          subnet: fc.constant({ address: place(0), length: width - hostBits }),
          range: fc.constant(network({ address: place(at), length: width - Math.max(0, hostBits - shrink) })),
          gateway: address,
          auxiliary: fc.dictionary(fc.constantFrom('a', 'b', 'c'), address, { noNullPrototype: true }),
        },
        { requiredKeys: ['subnet', 'auxiliary'] },
      ),
      used: fc.array(address, { maxLength: 70 }),
      cursor: fc.option(address, { nil: undefined }),
    });
  });

test('the next free address is the one that a walk round the range finds', (t) => {
  fc.assert(
    fc.property(situation, ({ place, used, cursor }) => {
      const expected = model(place, used, cursor);
      if (expected === undefined) {
        t.throws(() => chooseAddress(place, used, cursor), {
          message: `no address is free in ${formatPrefix(place.range ?? place.subnet)}`,
        });
        return;
      }
      const found = chooseAddress(place, used, cursor);
      t.is(formatAddress(found), formatAddress(expected));
      // What is given out is also what may be asked for.
      t.notThrows(() => checkAddress(place, found, used));
    }),
    { numRuns: 2000 },
  );
});

test('an address may be asked for if it is in the subnet and nobody has it', (t) => {
  fc.assert(
    fc.property(situation, ({ place, used, cursor = place.subnet.address }) => {
      const refused = barred(place, used).some((other) => sameAddress(other, cursor));
      if (refused) t.throws(() => checkAddress(place, cursor, used), { instanceOf: GangwayError });
      else t.notThrows(() => checkAddress(place, cursor, used));
    }),
    { numRuns: 1000 },
  );
});

test('addresses are given out one behind the other, and at the end from the beginning', (t) => {
  const place = subnet('172.17.0.0/16', { gateway: '172.17.0.1' });
  t.is(choose(place, []), '172.17.0.2');
  t.is(choose(place, [], '172.17.0.2'), '172.17.0.3');
  t.is(choose(place, ['172.17.0.3'], '172.17.0.2'), '172.17.0.4');
  t.is(choose(place, [], '172.17.255.254'), '172.17.0.2');
});

test('one that was let go rests until the round comes to it again', (t) => {
  t.is(choose('10.0.0.0/29', ['10.0.0.1'], '10.0.0.6'), '10.0.0.2');
  t.is(choose('10.0.0.0/29', ['10.0.0.1'], '10.0.0.2'), '10.0.0.3');
});

test('a cursor of another subnet is none', (t) => {
  t.is(choose('10.0.0.0/24', [], '10.0.1.7'), '10.0.0.1');
  t.is(choose('10.0.0.0/24', [], 'fd00::7'), '10.0.0.1');
});

test('a range has all its addresses to give but those of the subnet itself', (t) => {
  const place = subnet('10.50.0.0/16', { range: '10.50.5.0/24', gateway: '10.50.0.1', auxiliary: ['10.50.5.1'] });
  t.is(choose(place, []), '10.50.5.0');
  t.is(choose(place, [], '10.50.5.0'), '10.50.5.2');
  t.is(choose(place, [], '10.50.5.254'), '10.50.5.255');
  t.is(choose(place, [], '10.50.5.255'), '10.50.5.0');
  t.is(choose(subnet('10.50.0.0/16', { range: '10.50.255.0/24' }), [], '10.50.255.254'), '10.50.255.0');
  t.throws(() => choose(subnet('10.0.0.0/24', { range: '10.0.0.255/32' }), []), { code: 'pool-exhausted' });
});

test('the smallest subnets: one container in a /30, and in /31 and /127 two without a gateway', (t) => {
  t.is(choose(subnet('10.0.0.0/30', { gateway: '10.0.0.1' }), []), '10.0.0.2');
  t.throws(() => choose('10.0.0.0/30', ['10.0.0.1', '10.0.0.2']), { code: 'pool-exhausted' });
  t.is(choose('10.0.0.0/31', ['10.0.0.0']), '10.0.0.1');
  t.is(choose('10.0.0.9/32', []), '10.0.0.9');
  t.is(choose('fd00::/127', []), 'fd00::');
  t.is(choose('fd00::9/128', []), 'fd00::9');
});

test('IPv6 ranges of any size, up to their last address', (t) => {
  t.is(choose('fd00::/64', ['fd00::1', 'fd00::2']), 'fd00::3');
  for (const [whole, range, gateway, next] of [
    ['fda9:8d04:86e::/64', 'fda9:8d04:86e::ffff:ffff:ffff:ff0e/127', '…ff0e', '…ff0f'],
    ['fda9:8d04:86e::/64', 'fda9:8d04:86e::ffff:ffff:ffff:fffe/127', '…fffe', '…ffff'],
    ['fda9:8d04:86e::/56', 'fda9:8d04:86e:aa:ffff:ffff:ffff:fffe/127', '…fffe', '…ffff'],
  ] as const) {
    const [found] = made({ subnets: [whole], ranges: [range], ipv4: false });
    const end = (text = '') => text.slice(-4);
    t.is(end(found?.gateway && formatAddress(found.gateway)), end(gateway));
    t.is(end(choose(found as Subnet, [])), end(next));
    t.throws(() => choose(found as Subnet, [formatAddress(lastAddress(parsePrefix(range)))]), {
      code: 'pool-exhausted',
    });
  }
  for (const whole of ['fd2e:b68c:ce26::/64', 'fd2e:b68c:ce26::/56']) {
    for (const ranges of [[], ['fd2e:b68c:ce26::/64']]) {
      for (const given of [[], ['fd2e:b68c:ce26::1']]) {
        const [found] = made({ subnets: [whole], ranges, gateways: given, ipv4: false });
        t.is(found?.gateway && formatAddress(found.gateway), 'fd2e:b68c:ce26::1');
        t.is(choose(found as Subnet, [], 'fd2e:b68c:ce26:0:ffff:ffff:ffff:ffff').startsWith('fd2e:b68c:ce26:'), true);
      }
    }
  }
});

test('an address that is asked for is held to its subnet, and may lie outside of the range', (t) => {
  const place = subnet('10.70.0.0/24', { range: '10.70.0.128/25', gateway: '10.70.0.1', auxiliary: ['10.70.0.2'] });
  const check = (text: string, used: readonly string[] = []) =>
    checkAddress(place, parseAddress(text), used.map(parseAddress));
  t.notThrows(() => check('10.70.0.9'));
  const refusals: Readonly<Record<string, readonly [string, string]>> = {
    '10.99.0.9': ['invalid-address', 'address 10.99.0.9 is not in subnet 10.70.0.0/24'],
    '10.70.0.0': ['invalid-address', 'address 10.70.0.0 is the network address of 10.70.0.0/24'],
    '10.70.0.255': ['invalid-address', 'address 10.70.0.255 is the broadcast address of 10.70.0.0/24'],
    '10.70.0.1': ['address-in-use', 'address 10.70.0.1 is the gateway of 10.70.0.0/24'],
    '10.70.0.2': ['address-in-use', 'address 10.70.0.2 is reserved as --aux-address aux0'],
    '10.70.0.3': ['address-in-use', 'address 10.70.0.3 is in use'],
    'fd00::9': ['invalid-address', 'address fd00::9 is not in subnet 10.70.0.0/24'],
  };
  for (const [text, [code, message]] of Object.entries(refusals)) {
    t.throws(() => check(text, ['10.70.0.3']), { instanceOf: GangwayError, code, message });
  }
});

test('a chosen subnet never touches what is taken, and is the first such one', (t) => {
  const places = fc.constantFrom(...defaults(40));
  const taken = fc.array(
    fc.tuple(places, fc.integer({ min: 12, max: 32 })).map(([{ address }, length]) => network({ address, length })),
    { maxLength: 30 },
  );
  const known = defaults(31);
  fc.assert(
    fc.property(taken, (all) => {
      const [found] = made({}, ...all.map((prefix) => ({ prefix, by: 'route x' }) as const));
      const first = known.find((pool) => !all.some((other) => overlaps(pool, other)));
      t.false(all.some((other) => overlaps(found?.subnet as Prefix, other)));
      if (first !== undefined) t.deepEqual(found?.subnet, first);
    }),
  );
});

test('any subnet of a size is found where the small model finds one', (t) => {
  const within = parsePrefix('fd12:3456:789a::/48');
  const block = fc
    .record({ at: fc.nat(255), length: fc.integer({ min: 49, max: 60 }) })
    .map(({ at, length }) =>
      network({ address: { family: 6, value: within.address.value + (BigInt(at) << 72n) }, length }),
    );
  fc.assert(
    fc.property(fc.array(block, { maxLength: 40 }), fc.integer({ min: 48, max: 56 }), (all, length) => {
      const expected = Array.from({ length: 2 ** (length - 48) }, (_, index) => ({
        address: { family: 6, value: within.address.value + (BigInt(index) << BigInt(128 - length)) } as const,
        length,
      })).find((candidate) => !all.some((other) => overlaps(other, candidate)));
      const choice = () =>
        made({ subnets: [`::/${length}`], ipv4: false }, ...all.map((prefix) => ({ prefix, by: 'route x' }) as const));
      if (expected === undefined) t.throws(choice, { code: 'pool-exhausted' });
      else {
        t.deepEqual(choice()[0]?.subnet, expected);
        t.true(contains(within, expected.address));
      }
    }),
    { numRuns: 300 },
  );
});

test('how full a subnet is: what is kept and what is taken, in the whole and in its range', (t) => {
  const auxiliary = { a: parseAddress('10.1.0.9'), b: parseAddress('10.1.0.99') };
  const whole = { subnet: parsePrefix('10.1.0.0/24'), gateway: parseAddress('10.1.0.1'), auxiliary };
  const used = ['10.1.0.10', '10.1.0.10', '172.18.0.5', 'fd00::5'].map(parseAddress);
  t.deepEqual(occupancy(whole, used), { inUse: 6n, available: 250n });
  t.deepEqual(occupancy({ ...whole, range: parsePrefix('10.1.0.8/29') }, used), { inUse: 6n, available: 6n });
  const pair = { subnet: parsePrefix('10.1.0.0/31'), auxiliary: {} };
  t.deepEqual(occupancy(pair, []), { inUse: 0n, available: 2n }, 'no address of two is kept');
  const six = { subnet: parsePrefix('fd00::/64'), auxiliary: {} };
  t.deepEqual(occupancy(six, [parseAddress('fd00::5')]), { inUse: 2n, available: 2n ** 64n - 2n });
});
