/** What answers open: which addresses are told, which of them count, for how long, and that nobody hears of one before it is open. */
import test from 'ava';
import { type Answer, type DecodedPacket, decode, type Packet } from 'dns-packet';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { learnedElements } from '../../src/firewall/dns-egress-elements.ts';
import {
  capTtls,
  type EgressOpening,
  egressOpeningsFor,
  readAnswerAddresses,
} from '../../src/services/dns/egress-opening.ts';
import { readQuestion } from '../../src/services/dns/message.ts';
import { Responder } from '../../src/services/dns/responder.ts';
import { formatAddress, isOfTheWorld, parseAddress } from '../../src/values/address.ts';
import { parseEgress } from '../../src/values/egress-grammar.ts';
import { answerTo, FakeClock, FakeServers, plainExit, question, table, upstream, zone } from '../support/dns.ts';

const a = (name: string, data: string, ttl = 60): Answer => ({ type: 'A', name, ttl, data });
const alias = (name: string, data: string): Answer => ({ type: 'CNAME', name, ttl: 60, data });

function told(packet: Packet, name = 'x.test') {
  const message = answerTo(question(name), packet);
  const asked = readQuestion(message);
  if (asked === undefined) throw new Error('no question');
  return readAnswerAddresses(message, asked.question, asked.end);
}

function seen(answers: Answer[]): string {
  const { names, addresses } = told({ answers });
  return `${names.join(' > ')}: ${addresses.map(({ address, seconds }) => `${formatAddress(address)} ${seconds}`).join(', ')}`;
}

test('an answer tells what is at the end of the way from its question, and nothing else', (t) => {
  t.is(seen([a('X.test', '192.0.2.1', 5), a('x.test', '192.0.2.2')]), 'x.test: 192.0.2.1 5, 192.0.2.2 60');
  const way = [alias('x.test', 'y.test'), alias('Y.test', 'z.other'), a('z.other', '192.0.2.1')];
  t.is(seen(way), 'x.test > y.test > z.other: 192.0.2.1 60');
  t.is(seen(way.toReversed()), 'x.test > y.test > z.other: 192.0.2.1 60');
  t.is(
    seen([...way, a('y.test', '192.0.2.9'), a('evil.test', '192.0.2.8')]),
    'x.test > y.test > z.other: 192.0.2.1 60',
  );
  t.is(seen([alias('x.test', 'y.test'), alias('y.test', 'x.test')]), 'x.test > y.test: ');
  t.is(seen([{ type: 'AAAA', name: 'x.test', ttl: 7, data: '2001:db8::1' }]), 'x.test: 2001:db8::1 7');
  t.is(told({ authorities: [a('x.test', '192.0.2.1')], additionals: [a('x.test', '192.0.2.2')] }).addresses.length, 0);
  const long = Array.from({ length: 40 }, (_, index) =>
    alias(index === 0 ? 'x.test' : `y${index}.test`, `y${index + 1}.test`),
  );
  t.is(told({ answers: long }).names.length, 16);
  const many = Array.from({ length: 1000 }, (_, index) => a('x.test', `192.0.${index >> 8}.${index & 255}`));
  t.is(told({ answers: many }).addresses.length, 64);
});

test('pointers that lead to pointers are followed for as long as a name can have labels', (t) => {
  const chained = (pointers: number) => {
    const start = answerTo(question('x.test'), { answers: [{ type: 'TXT', name: 'x.test', data: 'text' }] });
    // The name of the question, and pointers behind the message, each to the one before it; the last one owns an address.
    const chain = Buffer.alloc(2 * pointers);
    for (let index = 0; index < pointers; index++)
      chain.writeUInt16BE(0xc000 | (index === 0 ? 12 : start.length + 12 + 2 * (index - 1)), 2 * index);
    // A record for the chain to lie in: owner, type, class, time, length.
    const holder = Buffer.from([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60, chain.length >> 8, chain.length & 255]);
    const last = start.length + 12 + 2 * (pointers - 1);
    const owned = Buffer.from([0xc0 | (last >> 8), last & 255, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1]);
    const message = Buffer.concat([start, holder, chain, owned]);
    message.writeUInt16BE(3, 6);
    return readAnswerAddresses(message, { name: 'x.test', type: 1, class: 1 }, 24).addresses.length;
  };
  t.is(chained(126), 1);
  t.is(chained(127), 0);
});

/** A question for x.test, and 4,000 records whose owner is a pointer into a name of 126 labels; then an address of x.test. */
function crowded(type: number, labelOf: (index: number) => number): Buffer {
  const start = answerTo(question('x.test'), {});
  const name = Buffer.from([...Array.from({ length: 126 }, () => [1, 0x61]).flat(), 0]);
  const record = (owner: number, type: number, data: Buffer) =>
    Buffer.concat([Buffer.of(0xc0 | (owner >> 8), owner & 255, 0, type, 0, 1, 0, 0, 0, 60, 0, data.length), data]);
  const holder = record(12, 16, name);
  const at = start.length + holder.length - name.length;
  const address = Buffer.of(192, 0, 2, 1);
  const crowd = Array.from({ length: 4000 }, (_, index) => record(at + 2 * labelOf(index), type, address));
  const message = Buffer.concat([start, holder, ...crowd, record(12, 1, address)]);
  message.writeUInt16BE(crowd.length + 2, 6);
  return message;
}

/** The same message, and how often anything in it was looked at. */
function counted(message: Buffer) {
  const count = { looks: 0 };
  const view = new Proxy(message, {
    get(target, key) {
      count.looks++;
      const value: unknown = Reflect.get(target, key);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return { view, count };
}

for (const [what, type, labelOf, addresses] of [
  ['addresses of one long name', 1, () => 0, 1],
  ['addresses of many long names', 1, (index: number) => index % 100, 0],
  ['aliases of one long name', 5, () => 0, 1],
  ['aliases of many long names', 5, (index: number) => index % 100, 0],
] as const) {
  test(`a reply full of ${what} costs no more than to pass over its records`, (t) => {
    const { view, count } = counted(crowded(type, labelOf));
    t.is(readAnswerAddresses(view, { name: 'x.test', type: 1, class: 1 }, 24).addresses.length, addresses);
    t.true(count.looks < 2 * view.length, `${count.looks} looks at ${view.length} bytes`);
  });
}

test('no message whatever breaks it, nor holds it up', (t) => {
  const start = answerTo(question('x.test'), { answers: [alias('x.test', 'y.test'), a('y.test', '192.0.2.1')] });
  const damage = fc.array(fc.tuple(fc.nat(start.length - 1), fc.constantFrom(0, 1, 0x3f, 0xc0, 0xc0, 0xff, 12, 29)), {
    maxLength: 12,
  });
  fc.assert(
    fc.property(damage, fc.nat(start.length), (changes, length) => {
      const message = Buffer.from(start);
      for (const [at, byte] of changes) message[at] = byte;
      const question = { name: 'x.test', type: 1, class: 1 };
      t.notThrows(() => readAnswerAddresses(message.subarray(0, Math.max(length, 12)), question, 24));
    }),
    { numRuns: 2000 },
  );
});

test('which addresses are the world’s', (t) => {
  const inside = [
    '10.0.0.1',
    '127.0.0.1',
    '169.254.169.254',
    '172.31.0.1',
    '192.168.1.1',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
  ];
  const inside6 = [
    '::',
    '::1',
    'fe80::1',
    'fd00::1',
    'ff02::1',
    '::ffff:10.0.0.1',
    '64:ff9b::a00:1',
    '2002:a00:1::1',
    '2001:0:a00:1::1',
  ];
  for (const text of [...inside, ...inside6]) t.false(isOfTheWorld(parseAddress(text)), text);
  for (const text of ['1.1.1.1', '172.32.0.1', '203.0.113.7', '2606:4700::1111', '2001:db8::1'])
    t.true(isOfTheWorld(parseAddress(text)), text);
});

test.serial('which addresses are the world’s is read once, and not for each of them', (t) => {
  const { parse } = ipaddr.IPv6;
  const addresses = ['1.1.1.1', '2606:4700::1111'].map(parseAddress);
  let read = 0;
  ipaddr.IPv6.parse = (text) => {
    read++;
    return parse.call(ipaddr.IPv6, text);
  };
  t.teardown(() => {
    ipaddr.IPv6.parse = parse;
  });
  parseAddress('::1');
  t.is(read, 1, 'control: what is read is counted');
  for (const address of addresses) t.true(isOfTheWorld(address));
  t.is(read, 1);
});

const limited = (...texts: string[]) => ({ ...plainExit, egress: parseEgress(texts) });
const openings = (answers: Answer[], ...texts: string[]) =>
  egressOpeningsFor(zone([], { egressNetworks: [limited(...texts)] }), told({ answers }));

test('what is open is open as long as the answer holds, within bounds, and only for names that are allowed', (t) => {
  const times = [0, 40, 60, 3600, 604_800].map(
    (ttl) => openings([a('x.test', '192.0.2.1', ttl)], 'allow=x.test')[0]?.addresses[0]?.seconds,
  );
  t.deepEqual(times, [60, 70, 90, 3630, 3630]);
  t.is(openings([a('x.test', '192.0.2.1')], 'allow=y.test').length, 0);
  t.is(openings([a('x.test', '192.0.2.1')], 'deny=10.0.0.0/8').length, 0);
  t.is(openings([a('x.test', '10.0.0.1'), a('x.test', '192.0.2.1')], 'allow=x.test')[0]?.addresses.length, 1);
  t.is(openings([alias('x.test', 'y.test'), a('y.test', '192.0.2.1')], 'allow=x.test').length, 1);
  t.is(openings([alias('x.test', 'y.test'), a('y.test', '192.0.2.1')], 'allow=x.test', 'deny=y.test').length, 0);
  const message = answerTo(question('x.test'), { answers: [a('x.test', '192.0.2.1', 604_800)] });
  const [only] = decode(capTtls(message, told({ answers: [a('x.test', '192.0.2.1', 604_800)] }))).answers ?? [];
  t.like(only, { ttl: 3600 });
});

test('where no policy allows the name, its addresses are not looked at', (t) => {
  let looks = 0;
  const { names, addresses } = told({ answers: [a('x.test', '192.0.2.1')] });
  const watched = addresses.map((each) => ({
    ...each,
    get address() {
      looks++;
      return each.address;
    },
  }));
  const openingsBy = (...texts: string[]) =>
    egressOpeningsFor(zone([], { egressNetworks: [limited(...texts)] }), { names, addresses: watched }).length;
  t.deepEqual([openingsBy('allow=y.test'), openingsBy('deny=x.test'), openingsBy('deny=10.0.0.0/8')], [0, 0, 0]);
  t.is(looks, 0);
  t.is(openingsBy('allow=x.test'), 1);
  t.true(looks > 0, 'control');
});

/** A responder, what it was asked to open, and what it replied. */
function world(open: (openings: readonly EgressOpening[]) => Promise<void> | undefined, ...texts: string[]) {
  const clock = new FakeClock();
  const servers = new FakeServers(clock);
  const where = zone([table('front', { web: ['172.18.0.2'] })], {
    upstreams: [upstream('203.0.113.1')],
    egressNetworks: [limited(...texts)],
  });
  const log: string[] = [];
  const responder = new Responder(where, {
    clock,
    send: servers.ask,
    openEgress(openings) {
      for (const { name, addresses } of openings)
        log.push(`open ${name} ${addresses.map(({ address }) => formatAddress(address)).join(' ')}`);
      return open(openings);
    },
  });
  const ask = (name: string, answers: Answer[] = []) => {
    responder.respond(question(name), 'udp', (reply) => {
      const { rcode, answers: given = [] } = decode(reply) as DecodedPacket & { rcode?: string };
      log.push(`reply ${rcode} ${given.length}`);
    });
    if (answers.length > 0) servers.last().answer({ answers });
  };
  return { ask, log, servers };
}

test('an answer is handed out when what it tells is open, and not at all where that fails', async (t) => {
  let settle = () => {};
  const waits = world(
    () =>
      new Promise((resolve) => {
        settle = resolve;
      }),
    'allow=x.test',
  );
  waits.ask('x.test', [a('x.test', '192.0.2.1')]);
  t.deepEqual(waits.log, ['open x.test 192.0.2.1']);
  settle();
  await Promise.resolve();
  t.deepEqual(waits.log, ['open x.test 192.0.2.1', 'reply NOERROR 1']);
  // From memory, too, it is opened again.
  waits.ask('X.test');
  t.is(waits.log.length, 3);

  const fails = world(() => Promise.reject(new Error('no')), 'allow=x.test');
  fails.ask('x.test', [a('x.test', '192.0.2.1')]);
  await Promise.resolve();
  t.deepEqual(fails.log, ['open x.test 192.0.2.1', 'reply SERVFAIL 0']);
});

test('an answer that leads to a denied name is none', (t) => {
  const { ask, log, servers } = world(() => undefined, 'deny=*.evil.test');
  ask('x.test', [alias('x.test', 'a.evil.test'), a('a.evil.test', '192.0.2.1')]);
  ask('y.test', [a('y.test', '192.0.2.1')]);
  ask('b.evil.test');
  t.deepEqual(log, ['reply NXDOMAIN 0', 'reply NOERROR 1', 'reply NXDOMAIN 0']);
  t.is(servers.asked.length, 2);
});

test('whatever names and ports a policy has, what is learned for one address does not overlap', (t) => {
  const range = fc
    .tuple(fc.integer({ min: 1, max: 20 }), fc.nat(6))
    .map(([first, more]) => `:${first}-${first + more}`);
  const entry = fc
    .tuple(fc.constantFrom('x.test', 'y.test', '*.z.test'), range, fc.constantFrom('', '/tcp', '/udp'))
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(fc.array(entry, { minLength: 1, maxLength: 5 }), fc.integer({ min: 1, max: 26 }), (entries, port) => {
      const policy = parseEgress([`allow=${entries.join(',')}`]);
      const open = (name: string) =>
        learnedElements('br0', policy, { name, address: parseAddress('192.0.2.1'), seconds: 60 });
      const all = ['x.test', 'y.test', 'a.z.test'].flatMap(open);
      const ranges = new Set(all.map(({ key }) => JSON.stringify(key.slice(2))));
      const holding = [...ranges]
        .map((text) => JSON.parse(text) as [{ protocol: string }, { first: number; last: number }])
        .filter(([, { first, last }]) => first <= port && port <= last);
      t.true(new Set(holding.map(([{ protocol }]) => protocol)).size === holding.length);
      const isMeant = parseEgress([`allow=${entries.join(',')}`]).allow.some(
        (each) =>
          each.kind === 'name' &&
          each.name === 'x.test' &&
          each.protocol !== 'udp' &&
          (each.ports?.first ?? 0) <= port &&
          port <= (each.ports?.last ?? 0),
      );
      const isOpen = open('x.test').some(
        ({ key: [, , protocol, ports] }) =>
          protocol?.type === 'inet_proto' &&
          protocol.protocol === 'tcp' &&
          ports?.type === 'ports' &&
          ports.first <= port &&
          port <= ports.last,
      );
      t.is(isOpen, isMeant);
    }),
  );
});
