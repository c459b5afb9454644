import test from 'ava';
import { decode, type Packet } from 'dns-packet';
import fc from 'fast-check';
import { cacheLifetimeOf, withReducedTtls } from '../../src/services/dns/cache.ts';
import { adaptAnswer, encodeAnswer } from '../../src/services/dns/encode-answer.ts';
import {
  locateRecords,
  type Query,
  readQuery,
  readQuestion,
  responseCode,
  TcpMessageReader,
  udpPayloadLimit,
  withLengthPrefix,
} from '../../src/services/dns/message.ts';
import { Responder } from '../../src/services/dns/responder.ts';
import { isAnswer } from '../../src/services/dns/upstream.ts';
import { answerTo, FakeClock, FakeServers, question, table, zone } from '../support/dns.ts';

/** Bytes as they come, and messages with some bytes changed: both must be taken calmly. */
const bytes = fc.uint8Array({ maxLength: 600 }).map((array) => Buffer.from(array));
const damaged = fc
  .tuple(
    fc.constantFrom(
      question('web.front'),
      question('example.org', 'AAAA', {
        additionals: [{ type: 'OPT', name: '.', udpPayloadSize: 1232, flags: 0x8000 } as never],
      }),
      answerTo(question('example.org'), { answers: [{ type: 'A', name: 'example.org', ttl: 60, data: '192.0.2.1' }] }),
    ),
    fc.array(fc.tuple(fc.nat(100), fc.nat(255)), { maxLength: 6 }),
    fc.nat(100),
  )
  .map(([message, changes, length]) => {
    const copy = Buffer.from(message.subarray(0, length < 60 ? message.length : length));
    for (const [at, value] of changes) if (at < copy.length) copy[at] = value;
    return copy;
  });

function read(message: Buffer): Query {
  const query = readQuery(message);
  if (query === undefined || typeof query === 'number') throw new Error(`not a query: ${query}`);
  return query;
}

test('no bytes make anything throw, and what is answered repeats the id', (t) => {
  const clock = new FakeClock();
  const servers = new FakeServers(clock);
  const responder = new Responder(zone([table('front', { web: ['172.18.0.2'] })]), { clock, send: servers.ask });
  fc.assert(
    fc.property(fc.oneof(bytes, damaged), fc.constantFrom('udp' as const, 'tcp' as const), (message, protocol) => {
      const before = Buffer.from(message);
      responder.respond(message, protocol, (answer) => {
        if (answer.readUInt16BE(0) !== before.readUInt16BE(0)) throw new Error('another id');
        const query = readQuery(before);
        const limit = protocol === 'udp' && typeof query === 'object' ? udpPayloadLimit(query) : 65_535;
        if (answer.length > limit) throw new Error('too long');
        if ((answer.readUInt16BE(2) & 0x8000) === 0) throw new Error('not an answer');
      });
      // What was forwarded is answered with nonsense of the same kind.
      for (const asked of servers.asked.splice(0)) {
        if (isAnswer(asked.query, message)) asked.report({ kind: 'answer', message });
        else asked.report({ kind: 'unreachable' });
      }
      clock.wind(6000);
    }),
    { numRuns: 20_000 },
  );
  t.is(responder.pendingCount, 0);
});

test('no bytes of a server make an answer of ours throw', (t) => {
  const asked = question('example.org');
  fc.assert(
    fc.property(fc.oneof(bytes, damaged), fc.integer({ min: 512, max: 1500 }), (message, limit) => {
      const found = readQuestion(message);
      if (found === undefined) return;
      locateRecords(message, found.end);
      const life = cacheLifetimeOf(message, found.question, found.end);
      withReducedTtls(message, life, 1);
      if (isAnswer(asked, message) && adaptAnswer(message, asked, read(asked), limit).length > limit)
        throw new Error('too long');
    }),
    { numRuns: 20_000 },
  );
  t.pass();
});

test('names are read in lower case, and a dot in a label is not one between labels', (t) => {
  t.is(read(question('WeB.Front')).question.name, 'web.front');
  const odd = question('web.front');
  odd[14] = 0x2e;
  t.is(read(odd).question.name, 'w\\.b.front');
  t.is(read(question('.')).question.name, '');
});

test('what is no question gets nothing, and what is a bad one a code', (t) => {
  t.is(readQuery(Buffer.alloc(11)), undefined);
  t.is(readQuery(answerTo(question('web'), {})), undefined);
  t.is(readQuery(Buffer.alloc(12)), responseCode.formatError);
  const status = question('web');
  status.writeUInt16BE(0x1000, 2);
  t.is(readQuery(status), responseCode.notImplemented);
  t.is(readQuery(Buffer.concat([question('web'), Buffer.alloc(5000)])), responseCode.formatError);
  const pointing = question('web');
  pointing[12] = 0xc0;
  t.is(readQuery(pointing), responseCode.formatError);
});

test('an answer of ours is one that another decoder reads, with the letters of the question', (t) => {
  const message = question('WEB', 'A', { additionals: [{ type: 'OPT', name: '.', udpPayloadSize: 1232 } as never] });
  const records = [{ type: 1, data: Buffer.of(172, 18, 0, 2) }];
  const answer = decode(encodeAnswer(message, read(message), { code: responseCode.noError, records }));
  t.like(answer, {
    id: 4711,
    type: 'response',
    rcode: 'NOERROR',
    flag_rd: true,
    flag_ra: true,
    flag_aa: false,
    flag_tc: false,
  });
  t.like(answer.questions?.[0], { name: 'WEB', type: 'A' });
  t.like(answer.answers?.[0], { name: 'WEB', type: 'A', ttl: 5, data: '172.18.0.2' });
  t.is(answer.additionals?.[0]?.type, 'OPT');
});

test('of many records as many are given as the client takes, and it is told that there are more', (t) => {
  const records = Array.from({ length: 100 }, (_, last) => ({ type: 1, data: Buffer.of(10, 0, 0, last) }));
  const message = question('pair');
  const short = encodeAnswer(message, read(message), { code: responseCode.noError, records });
  t.true(short.length <= 512 && short.length > 490);
  t.true(decode(short).flag_tc);
  const whole = decode(encodeAnswer(message, read(message), { code: responseCode.noError, records, limit: 65_535 }));
  t.false(whole.flag_tc);
  t.is(whole.answers?.length, 100);
});

test('an answer of another server is cut between records, and keeps its OPT', (t) => {
  const more: Packet = { additionals: [{ type: 'OPT', name: '.', udpPayloadSize: 600 } as never] };
  const message = question('Big.test', 'TXT', more);
  const answers = Array.from({ length: 20 }, () => ({
    type: 'TXT' as const,
    name: 'big.test',
    ttl: 60,
    data: 'x'.repeat(80),
  }));
  const whole = answerTo(question('big.test', 'TXT', more), { answers, ...more });
  const given = decode(adaptAnswer(whole, message, read(message)));
  t.like(given, { id: 4711, flag_tc: true });
  t.is(given.questions?.[0]?.name, 'Big.test');
  t.is(given.answers?.length, 5);
  t.is(given.additionals?.[0]?.type, 'OPT');
  for (let limit = 512; limit < 800; limit++) t.true(adaptAnswer(whole, message, read(message), limit).length <= limit);
});

test('an OPT for which there is no room loses its options, and the client is told that there is more', (t) => {
  const opt = (udpPayloadSize: number, length: number) => ({
    additionals: [
      {
        type: 'OPT',
        name: '.',
        udpPayloadSize,
        extendedRcode: 1,
        flags: 0x8000,
        options: [{ code: 65_001, data: Buffer.alloc(length) }],
      } as never,
    ],
  });
  for (const [takes, length] of [
    [1232, 2000],
    [1232, 60_000],
    [65_535, 65_490],
  ] as const) {
    const message = question('x.test', 'A', opt(takes, 0));
    const answers = [{ type: 'A', name: 'x.test', ttl: 60, data: '192.0.2.1' }] as const;
    const whole = answerTo(question('x.test'), { answers: length < 65_000 ? [...answers] : [], ...opt(600, length) });
    const reply = adaptAnswer(whole, message, read(message));
    t.true(reply.length <= udpPayloadLimit(read(message)), `${reply.length} bytes`);
    const given = decode(reply);
    t.like(given, { id: 4711, flag_tc: true });
    t.is(given.answers?.length, whole.readUInt16BE(6));
    t.like(given.additionals?.[0], { type: 'OPT', udpPayloadSize: 600, extendedRcode: 1, flags: 0x8000, options: [] });
  }
});

test('of a message that was cut off, no record is believed', (t) => {
  const asked = question('x.test');
  const whole = answerTo(asked, { answers: [{ type: 'A', name: 'x.test', ttl: 60, data: '192.0.2.1' }] });
  t.is(locateRecords(whole, asked.length)?.length, 1);
  for (let length = asked.length; length < whole.length; length++)
    t.is(locateRecords(whole.subarray(0, length), asked.length), undefined);
});

test('an answer is one by its id, its question in any case, and by being one', (t) => {
  const asked = question('example.org');
  t.true(isAnswer(asked, answerTo(asked, {})));
  t.true(isAnswer(asked, answerTo(question('EXAMPLE.org'), {})));
  t.false(isAnswer(asked, asked));
  t.false(isAnswer(asked, answerTo(question('example.net'), {})));
  t.false(isAnswer(asked, answerTo(question('example.org', 'AAAA'), {})));
  const otherId = answerTo(asked, {});
  otherId.writeUInt16BE(1, 0);
  t.false(isAnswer(asked, otherId));
});

test('messages in a stream are put together, however they were cut', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }),
      fc.array(fc.integer({ min: 1, max: 400 })),
      (all, cuts) => {
        const stream = Buffer.concat(all.map((message) => withLengthPrefix(Buffer.from(message))));
        const splitter = new TcpMessageReader();
        const found: Buffer[] = [];
        let at = 0;
        for (const length of [...cuts, stream.length]) {
          found.push(...splitter.push(stream.subarray(at, at + length)));
          at += length;
        }
        t.deepEqual(
          found.map((message) => [...message]),
          all.map((message) => [...message]),
        );
      },
    ),
  );
});
