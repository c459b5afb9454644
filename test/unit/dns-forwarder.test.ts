import test from 'ava';
import { type DecodedPacket, decode, type Packet } from 'dns-packet';
import fc from 'fast-check';
import { Responder } from '../../src/services/dns/responder.ts';
import type { Zone } from '../../src/services/dns/zone.ts';
import { answerTo, FakeClock, FakeServers, question, table, upstream, zone } from '../support/dns.ts';

const address: Packet = { answers: [{ type: 'A', name: 'x.test', ttl: 60, data: '192.0.2.1' }] };
const no: Packet = { flags: 3, authorities: [] };
const [servfail, refused, cut]: readonly Packet[] = [{ flags: 2 }, { flags: 5 }, { flags: 0x0200 }];

/** A responder with three servers, `1`, `2` and `3`, and everything that it replies: `NOERROR 192.0.2.1`. */
function world(more: Partial<Zone> = {}) {
  const clock = new FakeClock();
  const servers = new FakeServers(clock);
  const upstreams = ['203.0.113.1', '203.0.113.2', '203.0.113.3'].map((server) => upstream(server));
  const where = zone([table('front', { web: ['172.18.0.2'] })], { upstreams, ...more });
  const responder = new Responder(where, { clock, send: servers.ask });
  const replies: string[] = [];
  const ask = (message = question('x.test'), protocol: 'udp' | 'tcp' = 'udp') =>
    responder.respond(Buffer.from(message), protocol, (reply) => replies.push(read(reply)));
  return { clock, servers, responder, replies, ask, zone: where };
}

function read(reply: Buffer): string {
  const { rcode, answers = [], flag_tc } = decode(reply) as DecodedPacket & { rcode?: string };
  return [
    rcode,
    ...(flag_tc ? ['cut'] : []),
    ...answers.map((answer) => ('data' in answer ? String(answer.data) : '')),
  ].join(' ');
}

test('the first server is asked, and its answer given; the next question is answered from memory', (t) => {
  const { servers, replies, ask, clock } = world();
  ask();
  clock.wind(20);
  servers.last().answer(address);
  ask(question('X.TEST'));
  t.deepEqual(servers.log, ['1@0']);
  t.deepEqual(replies, ['NOERROR 192.0.2.1', 'NOERROR 192.0.2.1']);
});

test('a server that says nothing has another one asked beside it, and may still answer', (t) => {
  const { servers, replies, ask, clock } = world();
  ask();
  clock.wind(900);
  t.deepEqual(servers.log, ['1@0', '2@400', '3@800']);
  servers.asked[0]?.answer(address);
  t.deepEqual(replies, ['NOERROR 192.0.2.1']);
  t.deepEqual(
    servers.asked.map(({ cancelled }) => cancelled),
    [false, true, true],
  );
});

test('a fast server is waited for a short time only, and one that is dead is asked last', (t) => {
  const { servers, ask, clock } = world();
  for (let count = 0; count < 3; count++) {
    ask(question(`x${count}.test`));
    clock.wind(5000);
  }
  servers.asked.splice(0);
  ask(question('y.test'));
  t.is(servers.last().server, '203.0.113.1', 'all of them are silent');
  clock.wind(5000);
  clock.wind(60_000);
  for (let count = 0; count < 4; count++) {
    ask(question(`z${count}.test`));
    clock.wind(2000);
    servers.asked
      .filter(({ server }) => server === '203.0.113.2')
      .at(-1)
      ?.answer(address);
  }
  servers.asked.splice(0);
  ask(question('last.test'));
  t.is(servers.last().server, '203.0.113.2');
});

for (const [name, packet] of [
  ['SERVFAIL', servfail],
  ['REFUSED', refused],
] as const) {
  test(`${name} brings the next server at once, and at the end is SERVFAIL`, (t) => {
    const { servers, replies, ask } = world();
    ask();
    for (let count = 0; count < 3; count++) servers.last().answer(packet ?? {});
    t.deepEqual(servers.log, ['1@0', '2@0', '3@0']);
    t.deepEqual(replies, ['SERVFAIL']);
  });
}

test('nobody there brings the next server at once', (t) => {
  const { servers, replies, ask } = world();
  ask();
  servers.last().report({ kind: 'unreachable' });
  servers.last().answer(address);
  t.deepEqual(servers.log, ['1@0', '2@0']);
  t.deepEqual(replies, ['NOERROR 192.0.2.1']);
});

test('"no such name" is an answer, and without an SOA is asked anew', (t) => {
  const { servers, replies, ask } = world();
  ask();
  servers.last().answer(no);
  t.deepEqual(replies, ['NXDOMAIN']);
  ask();
  t.deepEqual(servers.log, ['1@0', '1@0']);
});

test('a "no" is remembered of the first server alone, whichever comes first while that one fails or rests', (t) => {
  const soa = { mname: 'ns.test', rname: 'root.test', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 300 };
  const authorities = [{ type: 'SOA', name: 'test', ttl: 300, data: soa } as const];
  const alias = { type: 'CNAME', name: 'x.test', ttl: 300, data: 'y.test' } as const;
  for (const packet of [{ flags: 3, authorities }, { authorities }, { answers: [alias], authorities }]) {
    const { servers, ask, clock } = world();
    ask();
    servers.last().answer(servfail ?? {});
    servers.last().answer(packet);
    for (let count = 0; count < 3; count++) {
      ask();
      servers.last().report({ kind: 'unreachable' });
      servers.last().answer(packet);
    }
    ask();
    servers.last().answer(packet);
    clock.wind(30_000);
    ask();
    servers.last().answer(packet);
    ask();
    const failing = ['1@0', '2@0'];
    t.deepEqual(servers.log, [...failing, ...failing, ...failing, ...failing, '2@0', '1@30000']);
  }
});

test('the "no" of a later server waits a second for an earlier one', (t) => {
  const yes = world();
  yes.ask();
  yes.clock.wind(400);
  yes.servers.last().answer(no);
  t.deepEqual(yes.replies, []);
  yes.clock.wind(300);
  yes.servers.asked[0]?.answer(address);
  t.deepEqual(yes.replies, ['NOERROR 192.0.2.1']);

  const silent = world();
  silent.ask();
  silent.clock.wind(400);
  silent.servers.last().answer(no);
  silent.clock.wind(1000);
  t.deepEqual(silent.replies, ['NXDOMAIN']);

  const alias = world();
  alias.ask();
  alias.clock.wind(400);
  alias.servers.last().answer({ ...no, answers: [{ type: 'CNAME', name: 'x.test', data: 'y.test' }] });
  t.deepEqual(alias.replies, [], 'an alias of what does not exist is a "no", too');

  const failing = world();
  failing.ask();
  failing.clock.wind(400);
  failing.servers.last().answer(no);
  failing.servers.asked[0]?.answer(servfail ?? {});
  t.deepEqual(failing.replies, ['NXDOMAIN']);
});

test('when all are silent the answer is SERVFAIL, before the C library loses patience', (t) => {
  const { servers, replies, ask, clock, responder } = world({ upstreams: [upstream('203.0.113.1')] });
  ask();
  clock.wind(4499);
  t.deepEqual(replies, []);
  clock.wind(1);
  t.deepEqual(replies, ['SERVFAIL']);
  t.deepEqual(servers.log, ['1@0', '1@400', '1@1200']);
  t.is(responder.pendingCount, 0);
});

test('a cut answer is asked for again by TCP, of the same server; without TCP there the cut one is given', (t) => {
  const { servers, replies, ask, clock } = world();
  ask();
  servers.last().answer(cut ?? {});
  servers.last().answer(address);
  t.deepEqual(servers.log, ['1@0', '1t@0']);
  ask(question('y.test'));
  servers.last().answer(cut ?? {});
  servers.last().report({ kind: 'unreachable' });
  ask(question('z.test'));
  servers.last().answer(cut ?? {});
  clock.wind(1000);
  t.deepEqual(replies, ['NOERROR 192.0.2.1', 'NOERROR cut', 'NOERROR cut']);
});

test('what is asked by TCP is asked on by TCP, once of each server', (t) => {
  const { servers, replies, ask, clock } = world();
  ask(question('x.test'), 'tcp');
  clock.wind(5000);
  t.deepEqual(servers.log, ['1t@0', '2t@400', '3t@800']);
  t.deepEqual(replies, ['SERVFAIL']);
});

test('equal questions that are on their way are one; each asker has its own id and letters', (t) => {
  const { servers, responder } = world();
  const replies: Packet[] = [];
  for (const [id, name] of [
    [1, 'x.test'],
    [2, 'X.Test'],
  ] as const)
    responder.respond(question(name, 'A', { id }), 'udp', (reply) => replies.push(decode(reply)));
  t.is(servers.asked.length, 1);
  servers.last().answer(address);
  t.deepEqual(
    replies.map(({ id, questions }) => [id, questions?.[0]?.name]),
    [
      [1, 'x.test'],
      [2, 'X.Test'],
    ],
  );
});

test('questions that differ in what they ask for are not one, nor are those with options', (t) => {
  const { servers, ask } = world();
  const edns = (flags: number, options: readonly unknown[] = []) =>
    ({ additionals: [{ type: 'OPT', name: '.', udpPayloadSize: 1232, flags, options }] }) as never;
  const cookie = edns(0, [{ code: 10, data: Buffer.alloc(8) }]);
  const messages = [
    question('x.test'),
    question('x.test', 'AAAA'),
    question('x.test', 'A', { flags: 0 }),
    question('x.test', 'A', { flags: 0x0110 }),
    question('x.test', 'A', edns(0)),
    question('x.test', 'A', edns(0x8000)),
    question('x.test', 'A', cookie),
    question('x.test', 'A', cookie),
  ];
  for (const message of messages) ask(message);
  for (let index = 0; index < servers.asked.length; index++) servers.asked[index]?.answer(address);
  t.is(servers.asked.length, messages.length);
  // EDNS travels as it came.
  t.deepEqual(servers.last().query.subarray(2), messages.at(-1)?.subarray(2));
  ask(messages[7]);
  t.is(servers.asked.length, messages.length + 1);
});

/** A question for `x.test` that is like no other one. */
function withCookie(count: number): Buffer {
  const options = [{ code: 10, data: Buffer.of(...Array(8).fill(count % 256)) }];
  return question('x.test', 'A', { additionals: [{ type: 'OPT', name: '.', flags: 0, options } as never] });
}

test('of one name and type four questions are under way at once, whatever their options; the others have their turn', (t) => {
  const { servers, replies, ask, responder } = world();
  for (let count = 0; count < 100; count++) ask(withCookie(count), count % 2 === 0 ? 'udp' : 'tcp');
  ask(question('x.test', 'AAAA'));
  ask(question('y.test'));
  t.is(servers.asked.length, 4 + 2);
  ask();
  ask();
  t.is(responder.pendingCount, 100 + 2 + 2);
  for (let index = 0; index < servers.asked.length; index++) {
    t.true(servers.asked.length - index <= 4 + 2);
    servers.asked[index]?.answer(address);
  }
  t.is(servers.asked.length, 100 + 2 + 1);
  t.is(replies.filter((reply) => reply === 'NOERROR 192.0.2.1').length, 100 + 2 + 2);
  t.is(responder.pendingCount, 0);
});

test('who waits for his turn is told when nobody answers, and when the way out closes', (t) => {
  const { servers, replies, ask, clock, responder, zone: where } = world();
  for (let count = 0; count < 1000; count++) ask(withCookie(count));
  clock.wind(4500);
  t.deepEqual([replies.length, new Set(replies), responder.pendingCount], [1000, new Set(['SERVFAIL']), 0]);
  for (let count = 0; count < 10; count++) ask(withCookie(count));
  const before = servers.asked.length;
  responder.updateZone({ ...where, hasExternalNetwork: false });
  clock.wind(5000);
  t.is(replies.length, 1010);
  t.is(servers.asked.length, before);
});

test('1,024 questions may wait, equal or not; the next one is refused at once, and none of this stays', (t) => {
  const { servers, replies, ask, responder } = world();
  for (let count = 0; count < 1024; count++) ask(question(`x${count % 1000}.test`));
  t.deepEqual(replies, []);
  ask(question('more.test'));
  ask(question('x0.test'));
  t.deepEqual(replies, ['REFUSED', 'REFUSED']);
  ask(question('web'));
  t.is(replies.at(-1), 'NOERROR 172.18.0.2');
  for (const asked of [...servers.asked]) asked.answer(address);
  t.is(responder.pendingCount, 0);
  t.is(replies.length, 1024 + 3);
});

test('whatever the servers do, every question has one reply, and few wait', (t) => {
  const act = fc.oneof(
    fc.record({
      kind: fc.constant('ask' as const),
      cookie: fc.option(fc.nat(255)),
      name: fc.integer({ min: 0, max: 5 }),
      protocol: fc.constantFrom('udp' as const, 'tcp' as const),
    }),
    fc.record({
      kind: fc.constant('answer' as const),
      which: fc.nat(20),
      packet: fc.constantFrom(address, no, servfail, refused, cut),
    }),
    fc.record({ kind: fc.constant('unreachable' as const), which: fc.nat(20) }),
    fc.record({ kind: fc.constant('wind' as const), by: fc.integer({ min: 1, max: 3000 }) }),
    fc.record({ kind: fc.constant('close the way' as const) }),
    fc.record({ kind: fc.constant('open the way' as const) }),
  );
  fc.assert(
    fc.property(fc.array(act, { maxLength: 80 }), (acts) => {
      const { clock, servers, responder, replies, ask, zone: where } = world();
      let questions = 0;
      const open = () => servers.asked.filter(({ cancelled }) => !cancelled);
      const reported = new Set<unknown>();
      for (const one of acts) {
        const pending = open().filter((asked) => !reported.has(asked));
        if (one.kind === 'ask') {
          questions++;
          ask(one.cookie == null ? question(`x${one.name}.test`) : withCookie(one.cookie), one.protocol);
        } else if (one.kind === 'wind') clock.wind(one.by);
        else if (one.kind === 'close the way') responder.updateZone({ ...where, hasExternalNetwork: false });
        else if (one.kind === 'open the way') responder.updateZone(where);
        else {
          const asked = pending[one.which % Math.max(pending.length, 1)];
          if (asked === undefined) continue;
          reported.add(asked);
          if (one.kind === 'answer') asked.answer(one.packet ?? {});
          else asked.report({ kind: 'unreachable' });
        }
        if (responder.pendingCount > questions - replies.length) throw new Error('somebody waits for nothing');
      }
      clock.wind(6000);
      if (responder.pendingCount !== 0 || replies.length !== questions)
        throw new Error(`${replies.length} of ${questions}`);
      if (open().some((asked) => !reported.has(asked))) throw new Error('an exchange was left open');
    }),
    { numRuns: 300 },
  );
  t.pass();
});

test('when the way out closes, nothing more is asked, nothing is remembered, and who waits is told', (t) => {
  const { servers, replies, ask, responder, zone: where } = world();
  ask(question('a.test'));
  servers.last().answer(address);
  ask(question('b.test'));
  responder.updateZone({ ...where, hasExternalNetwork: false });
  t.true(servers.last().cancelled);
  ask(question('a.test'));
  t.deepEqual(replies, ['NOERROR 192.0.2.1', 'SERVFAIL', 'SERVFAIL']);
  responder.updateZone(where);
  ask(question('a.test'));
  t.deepEqual(servers.log, ['1@0', '1@0', '1@0']);
});

test('a sibling that comes or goes does not touch what is remembered', (t) => {
  const { servers, ask, responder, zone: where } = world();
  ask();
  servers.last().answer(address);
  responder.updateZone({ ...where, networks: [{ table: table('front', { db: ['172.18.0.3'] }), links: new Map() }] });
  ask();
  t.is(servers.asked.length, 1);
});

test('after it was closed nobody is asked and nobody answered', (t) => {
  const { servers, replies, ask, responder, clock } = world();
  ask();
  responder.close();
  clock.wind(10_000);
  t.deepEqual(replies, []);
  t.is(servers.asked.length, 1);
  t.true(servers.last().cancelled);
});

test('records of a shared name come in every order', (t) => {
  const clock = new FakeClock();
  const seen = new Set<string>();
  const shared = zone([table('front', { 'a pair': ['10.0.0.1'], 'b pair': ['10.0.0.2'], 'c pair': ['10.0.0.3'] })]);
  const responder = new Responder(shared, { clock, send: new FakeServers(clock).ask });
  for (let count = 0; count < 200; count++)
    responder.respond(question('pair'), 'udp', (reply) => seen.add(read(reply)));
  t.is(seen.size, 6);
});

test('answers keep what nobody here understands', (t) => {
  const { servers, responder } = world();
  let given: Buffer | undefined;
  responder.respond(question('x.test', 'HTTPS'), 'udp', (reply) => {
    given = reply;
  });
  const answer = answerTo(servers.last().query, {
    flags: 0x0420,
    answers: [{ type: 'UNKNOWN_65', name: 'x.test', ttl: 9, data: Buffer.from('odd') } as never],
  });
  servers.last().report({ kind: 'answer', message: answer });
  t.deepEqual(given?.subarray(2), answer.subarray(2));
});
