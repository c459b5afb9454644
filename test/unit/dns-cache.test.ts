import test from 'ava';
import { type Answer, decode, type Packet } from 'dns-packet';
import fc from 'fast-check';
import { AnswerCache, type CacheOptions, cacheLifetimeOf } from '../../src/services/dns/cache.ts';
import { readQuestion } from '../../src/services/dns/message.ts';
import { answerTo, question } from '../support/dns.ts';

const noSuchName = 3;

/** A cache with a clock that the test winds, in seconds. */
function cacheAt(options: Partial<CacheOptions> = {}) {
  const clock = { seconds: 0 };
  const cache = new AnswerCache({ now: () => clock.seconds * 1000, ...options });
  return {
    clock,
    cache,
    put(name: string, packet: Packet, type = 'A'): void {
      const message = answerTo(question(name, type), packet);
      const found = readQuestion(message);
      if (found !== undefined) cache.put(name, message, cacheLifetimeOf(message, found.question, found.end));
    },
    ttls: (name: string) => {
      const message = cache.get(name);
      if (message === undefined) return undefined;
      const { answers = [], authorities = [], additionals = [] } = decode(message);
      return [...answers, ...authorities, ...additionals].flatMap((record) =>
        record.type === 'OPT' ? [] : [ttlOf(record)],
      );
    },
  };
}

function ttlOf(record: Answer): number {
  return 'ttl' in record ? (record.ttl ?? 0) : 0;
}

function address(ttl: number, name = 'x.test'): Answer {
  return { type: 'A', name, ttl, data: '192.0.2.1' };
}

function authority(ttl: number, minimum: number): Answer {
  const data = { mname: 'ns.test', rname: 'root.test', serial: 1, refresh: 1, retry: 1, expire: 1, minimum };
  return { type: 'SOA', name: 'test', ttl, data };
}

test('an answer is remembered as long as its shortest-lived record, and grows old', (t) => {
  const { clock, put, ttls } = cacheAt();
  put('x.test', { answers: [address(60), address(30)], additionals: [address(90, 'ns.test')] });
  t.deepEqual(ttls('x.test'), [60, 30, 90]);
  clock.seconds = 29;
  t.deepEqual(ttls('x.test'), [31, 1, 61]);
  clock.seconds = 30;
  t.is(ttls('x.test'), undefined);
});

test('an answer is never given beyond the time that its server allowed', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 5000 }), { minLength: 1, maxLength: 4 }),
      fc.array(fc.double({ min: 0, max: 2000, noNaN: true }), { maxLength: 8 }),
      (lives, waits) => {
        const { clock, put, ttls } = cacheAt();
        put('x.test', { answers: lives.map((ttl) => address(ttl)) });
        for (const wait of waits) {
          clock.seconds += wait;
          const left = ttls('x.test');
          if (left === undefined) continue;
          for (const [index, life] of lives.entries()) {
            const ttl = left[index] ?? 0;
            if (ttl <= 0 || clock.seconds + ttl > life)
              throw new Error(`${ttl} s more of ${life} s, after ${clock.seconds} s`);
          }
        }
      },
    ),
  );
  t.pass();
});

test('a "no" is remembered as long as its SOA says, and without one not at all', (t) => {
  const { clock, put, ttls } = cacheAt();
  put('long.test', { flags: noSuchName, authorities: [authority(3600, 20)] });
  put('short.test', { authorities: [authority(10, 3600)] });
  put('none.test', { flags: noSuchName });
  put('alias.test', { answers: [{ type: 'CNAME', name: 'alias.test', ttl: 60, data: 'x.test' }] });
  t.is(ttls('none.test'), undefined);
  t.is(ttls('alias.test'), undefined);
  clock.seconds = 9;
  t.deepEqual(ttls('long.test'), [3591]);
  t.deepEqual(ttls('short.test'), [1]);
  clock.seconds = 10;
  t.is(ttls('short.test'), undefined);
  clock.seconds = 20;
  t.is(ttls('long.test'), undefined);
});

test('failures, cut answers, and what may not be remembered, are not', (t) => {
  const { put, ttls } = cacheAt();
  put('servfail.test', { flags: 2, answers: [address(60)] });
  put('cut.test', { flags: 0x0200, answers: [address(60)] });
  put('zero.test', { answers: [address(60), address(0)] });
  put('sign.test', { answers: [address(0x80000001)] });
  for (const name of ['servfail.test', 'cut.test', 'zero.test', 'sign.test']) t.is(ttls(name), undefined, name);
});

test('a day is too long, and so is an hour for a "no"', (t) => {
  const { clock, put, ttls } = cacheAt();
  put('yes.test', { answers: [address(86_400)] });
  put('no.test', { flags: noSuchName, authorities: [authority(3600, 3600)] });
  clock.seconds = 299;
  t.truthy(ttls('no.test'));
  clock.seconds = 300;
  t.is(ttls('no.test'), undefined);
  clock.seconds = 3600;
  t.is(ttls('yes.test'), undefined);
});

test('an OPT record has no TTL', (t) => {
  const { clock, put, cache } = cacheAt();
  const option = { type: 'OPT', name: '.', udpPayloadSize: 1232, flags: 0x8000 } as never;
  put('x.test', { answers: [address(60)], additionals: [option] });
  clock.seconds = 10;
  const [given] = decode(cache.get('x.test') ?? Buffer.alloc(0)).additionals ?? [];
  t.like(given, { type: 'OPT', udpPayloadSize: 1232, flags: 0x8000 });
});

test('entries and bytes are bounded; what was not asked for longest makes room', (t) => {
  const { put, cache } = cacheAt({ entryLimit: 3, byteLimit: 2000 });
  for (const name of ['a', 'b', 'c']) put(name, { answers: [address(60)] });
  cache.get('a');
  put('d', { answers: [address(60)] });
  t.deepEqual(
    ['a', 'b', 'c', 'd'].map((name) => cache.get(name) !== undefined),
    [true, false, true, true],
  );
  put('big', { answers: [{ type: 'TXT', name: 'big', ttl: 60, data: Array(5).fill('x'.repeat(250)) }] }, 'TXT');
  t.true(cache.bytes <= 2000);
  t.truthy(cache.get('big'));
  put('huge', { answers: [{ type: 'TXT', name: 'huge', ttl: 60, data: Array(9).fill('x'.repeat(250)) }] }, 'TXT');
  t.is(cache.get('huge'), undefined);
});

test('bytes are counted right, whatever comes and goes', (t) => {
  const step = fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.integer({ min: 0, max: 20 }), fc.boolean());
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { clock, put, cache } = cacheAt({ entryLimit: 4, byteLimit: 1600 });
      for (const [name, ttl, writes] of steps) {
        clock.seconds += 3;
        if (writes) put(name, { answers: Array(1 + (ttl % 3)).fill(address(ttl)) });
        else cache.get(name);
        if (cache.entries > 4 || cache.bytes > 1600) throw new Error(`${cache.entries} entries, ${cache.bytes} bytes`);
        if (cache.entries === 0 && cache.bytes !== 0) throw new Error(`${cache.bytes} bytes of nothing`);
      }
    }),
  );
  t.pass();
});
