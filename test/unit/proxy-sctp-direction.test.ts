/** One direction of an SCTP association, between a socket that gives what a test says and one that takes what it says. */
import test from 'ava';
import { Counters } from '../../src/services/proxy/counters.ts';
import { SctpDirection } from '../../src/services/proxy/splice-worker/sctp-direction.ts';
import { ConnectionSocket } from '../../src/services/proxy/splice-worker/tcp-direction.ts';
import { libc } from '../../src/sys/libc.ts';
import { EAGAIN, ECONNABORTED, EMSGSIZE, ENOTCONN } from '../../src/sys/system-calls.ts';

const [from, to] = [3, 4];
const owner = { onEvents: () => {} };

/** Bytes of a message, with a mark where more of it follows; or what the call says instead. */
type Coming = readonly [bytes: number, more?: 'more'] | number;

/** @param taking what sending says, each time; all is taken where nothing is left of it */
function scene(coming: Coming[], taking: number[] = []) {
  const log: string[] = [];
  let whole = true;
  let received = 0;
  const sent: Buffer[] = [];
  const take = (bytes: number, stream: number): number => {
    const said = taking.shift() ?? bytes;
    log.push(said < 0 ? `refused ${bytes}` : `sent ${bytes} in ${stream}`);
    return said;
  };
  const calls = {
    receive: () => {
      const next = coming[received++] ?? -EAGAIN;
      if (typeof next === 'number') return next;
      whole = next[1] === undefined;
      return next[0];
    },
    get whole() {
      return whole;
    },
    label: () => ({ stream: 7, unordered: false, kind: 46 }),
    copy: (length: number) => Buffer.alloc(length, received),
    copyTo: (memory: Buffer, place: number, length: number) => memory.fill(received, place, place + length),
    send: (_: number, length: number, { stream }: { stream: number }) => take(length, stream),
    sendFrom: (_: number, address: number, length: number, { stream }: { stream: number }) => {
      sent.push(bytesAt(address, length));
      return take(length, stream);
    },
    finish: (fd: number) => {
      log.push(`finished ${fd}`);
      return 0;
    },
  };
  const [source, target] = [new ConnectionSocket(from, owner), new ConnectionSocket(to, owner)];
  const counters = new Counters();
  return { log, sent, counters, source, target, way: new SctpDirection(source, target, true, calls, counters) };
}

function bytesAt(address: number, length: number): Buffer {
  return Buffer.from(libc().koffi.decode(address, 'uint8_t', length) as Uint8Array);
}

test('messages go on one by one until there are no more', (t) => {
  const { log, counters, way } = scene([[10], [20]]);
  t.is(way.advance(), 'waiting');
  t.deepEqual(log, ['sent 10 in 7', 'sent 20 in 7']);
  t.is(counters.read().bytesIn, 30);
  t.false(way.full || way.ended);
});

test('what is not taken waits, and nothing is received meanwhile', (t) => {
  const { log, way } = scene([[10], [20]], [-EAGAIN, -EAGAIN]);
  t.is(way.advance(), 'waiting');
  t.true(way.full);
  t.is(way.advance(), 'waiting');
  t.is(way.advance(), 'waiting');
  t.deepEqual(log, ['refused 10', 'refused 10', 'sent 10 in 7', 'sent 20 in 7']);
  t.false(way.full);
});

test('a message that comes in pieces goes on when it is whole', (t) => {
  const { log, way } = scene([[65_536, 'more'], -EAGAIN, [65_536, 'more'], [3], [5]]);
  t.is(way.advance(), 'waiting');
  t.deepEqual(log, []);
  way.advance();
  t.deepEqual(log, ['sent 131075 in 7', 'sent 5 in 7']);
});

test('100,000 pieces of a byte each are gathered in order, and cost no more than their bytes', (t) => {
  const count = 100_000;
  const { log, sent, way } = scene([...Array.from({ length: count }, (): Coming => [1, 'more']), [1], [5]]);
  const before = process.memoryUsage().arrayBuffers;
  const begun = performance.now();
  for (let turn = 0; turn < count / 32; turn++) way.advance();
  t.true(performance.now() - begun < 10_000, `${performance.now() - begun} ms`);
  const more = process.memoryUsage().arrayBuffers - before;
  t.true(more < 1 << 20, `${more} bytes`);
  t.is(way.advance(), 'waiting');
  t.deepEqual(log, [`sent ${count + 1} in 7`, 'sent 5 in 7']);
  t.is(
    sent[0]?.findIndex((byte, index) => byte !== (index + 1) % 256),
    -1,
  );
});

test('a message that is too long breaks it off', (t) => {
  for (const last of [[1], [1, 'more']] as const) {
    const { way, source, log } = scene([...Array.from({ length: 16 }, (): Coming => [65_536, 'more']), last]);
    t.is(way.advance(), 'broken');
    t.deepEqual(way.failure, { socket: source, errno: EMSGSIZE });
    t.deepEqual(log, []);
  }
  const longest = scene([...Array.from({ length: 15 }, (): Coming => [65_536, 'more']), [65_536]]);
  t.is(longest.way.advance(), 'waiting');
  t.deepEqual(longest.log, [`sent ${1 << 20} in 7`]);
});

test('its end is the end of the other side, behind what was kept', (t) => {
  const { log, way, source } = scene([[10], 0], [-EAGAIN]);
  way.advance();
  t.deepEqual([way.advance(), way.ended, source.isOver], ['waiting', true, true]);
  t.deepEqual(log, ['refused 10', 'sent 10 in 7', `finished ${to}`]);
  t.is(way.advance(), 'waiting', 'nothing more happens');
});

test('where the other side has ended it, what comes is thrown away until this one has ended too', (t) => {
  const { log, way, target } = scene([[10], [65_536, 'more'], [20], -EAGAIN, -ENOTCONN], [-EAGAIN]);
  way.advance();
  target.isOver = true;
  t.is(way.advance(), 'waiting');
  t.false(way.ended || way.full);
  way.advance();
  t.true(way.ended);
  t.deepEqual(log, ['refused 10'], 'nothing is sent there, not even an end');
});

test('which side has broken is told', (t) => {
  const one = scene([-ECONNABORTED]);
  t.is(one.way.advance(), 'broken');
  t.deepEqual(one.way.failure, { socket: one.source, errno: ECONNABORTED });
  const other = scene([[10]], [-ECONNABORTED]);
  t.is(other.way.advance(), 'broken');
  t.is(other.way.failure?.socket, other.target);
});

test('who has much to say lets others have their turn, and who is released keeps nothing', (t) => {
  const { way } = scene(
    Array.from({ length: 100 }, (): Coming => [10]),
    [...Array.from({ length: 40 }, () => 10), -EAGAIN],
  );
  t.is(way.advance(), 'more');
  t.is(way.advance(), 'waiting');
  way.release();
  t.deepEqual([way.full, way.ended], [false, true]);
});
