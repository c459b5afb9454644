import test from 'ava';
import { attributes, struct } from '../../src/netlink/attributes.ts';
import { cstring, u8 } from '../../src/netlink/codec.ts';
import { flags, type Request, request } from '../../src/netlink/message.ts';
import { KernelError } from '../../src/values/errors.ts';
import { acknowledgement, attribute, bits, done, FakeKernel, message, refused } from '../support/netlink.ts';

const thing = {
  name: 'RTM_NEWTHING',
  type: 100,
  header: struct({ family: [1, u8] }),
  attributes: attributes({ name: [1, cstring] }),
};
const bracket = { ...thing, name: 'NFNL_MSG_BATCH', type: 16 };

function add(name: string): Request {
  return request(`add ${name}`, thing, flags.create, {}, { name });
}

/** The kernel's answer that tells of one thing. */
function told(sequence: number, name: string, flagBits: number = bits.multi): Buffer {
  return message(100, flagBits, sequence, Buffer.concat([Buffer.alloc(4), attribute(1, Buffer.from(`${name}\0`))]));
}

/** Refuses the messages at these places, and acknowledges those that ask for it. */
function refusing(...places: readonly number[]): FakeKernel {
  return new FakeKernel((sent) =>
    sent.flatMap((one, index) => {
      if (places.includes(index)) return [refused(one, 'EEXIST', { sentence: `no ${index}` })];
      return (one.flags & flags.ack) === 0 ? [] : [acknowledgement(one)];
    }),
  );
}

test('several requests travel in one datagram, numbered, and only the last asks for an answer', (t) => {
  const kernel = refusing();
  kernel.connect().execute([add('a'), add('b'), add('c')]);
  t.is(kernel.heard.length, 1);
  t.deepEqual(
    kernel.messages.map(({ sequence, flags: sent }) => [sequence, sent]),
    [
      [1, flags.request | flags.create],
      [2, flags.request | flags.create],
      [3, flags.request | flags.create | flags.ack],
    ],
  );
});

test('numbers go on from one call to the next', (t) => {
  const kernel = refusing();
  const connection = kernel.connect();
  connection.execute([add('a'), add('b')]);
  connection.execute([add('c')]);
  t.deepEqual(
    kernel.messages.map(({ sequence }) => sequence),
    [1, 2, 3],
  );
});

test('nothing to do is no system call', (t) => {
  const kernel = refusing();
  const connection = kernel.connect();
  connection.execute([]);
  connection.transact(add('begin'), [], add('end'));
  t.deepEqual(connection.executeEach([]), []);
  t.is(kernel.heard.length, 0);
});

test('of several failures the first is thrown, and names its own request', (t) => {
  t.throws(
    () =>
      refusing(1, 2)
        .connect()
        .execute([add('a'), add('b'), add('c')]),
    {
      name: 'KernelError',
      message: 'add b: EEXIST: no 1',
    },
  );
});

test('each request can be told how it went', (t) => {
  const outcome = refusing(1)
    .connect()
    .executeEach([add('a'), add('b'), add('c')]);
  t.deepEqual(
    outcome.map((error) => error?.message),
    [undefined, 'add b: EEXIST: no 1', undefined],
  );
});

test('as many can be told how they went as there are flows, whatever fits into one datagram', (t) => {
  class Narrow extends FakeKernel {
    override send(bytes: Buffer, length: number): void {
      if (length > 1 << 20) throw new KernelError('send to the kernel', 'EMSGSIZE');
      super.send(bytes, length);
    }
  }
  const kernel = new Narrow((sent) =>
    sent.flatMap((one) => {
      if (one.sequence === 15_000) return [refused(one, 'ENOENT')];
      return (one.flags & flags.ack) === 0 ? [] : [acknowledgement(one)];
    }),
  );
  const requests = Array.from({ length: 30_000 }, (_, index) => add(`${index}`.padStart(40, '0')));
  const outcome = kernel.connect().executeEach(requests);
  t.is(outcome.length, 30_000);
  t.deepEqual(
    outcome.flatMap((error, index) => (error === undefined ? [] : [`${index} ${error.errno}`])),
    ['14999 ENOENT'],
  );
  t.deepEqual(
    kernel.messages.map(({ sequence }) => sequence),
    requests.map((_, index) => index + 1),
  );
});

test('an answer to an earlier call is not taken for one to this call', (t) => {
  const kernel = new FakeKernel((sent) =>
    sent.flatMap((one) =>
      one.sequence === 1 ? [acknowledgement(one)] : [refused({ ...one, sequence: 1 }, 'EPERM'), acknowledgement(one)],
    ),
  );
  const connection = kernel.connect();
  connection.execute([add('a')]);
  t.notThrows(() => connection.execute([add('b')]));
  t.deepEqual(connection.executeEach([add('c')]), [undefined]);
});

test('what the kernel says nothing of has not been done', (t) => {
  const silent = () => new FakeKernel(() => []).connect();
  const unanswered = { message: /: ENOMSG: the kernel did not answer$/ };
  t.throws(() => silent().execute([add('a')]), unanswered);
  t.throws(() => silent().executeEach([add('a')]), unanswered);
  t.throws(
    () => silent().transact(request('begin', bracket, 0, {}, {}), [add('a')], request('end', bracket, 0, {}, {})),
    unanswered,
  );
});

test('where answers are lost the rest of them is not there for the next question', (t) => {
  let lost = true;
  class Overrun extends FakeKernel {
    override receive(buffer: Buffer): number | undefined {
      if (!lost) return super.receive(buffer);
      lost = false;
      throw new KernelError('receive from netlink', 'ENOBUFS');
    }
  }
  const connection = new Overrun().connect();
  t.throws(() => connection.execute([add('a')]), { message: 'receive from netlink: ENOBUFS' });
  t.notThrows(() => connection.execute([add('b')]));
});

test('an acknowledgement is no failure and no answer', (t) => {
  t.throws(() => new FakeKernel((sent) => sent.map(acknowledgement)).connect().ask(add('a'), thing), {
    message: 'add a: ENOMSG: the kernel did not answer',
  });
});

test('a question has one answer, or an error', (t) => {
  const kernel = new FakeKernel(([sent]) => [told(sent?.sequence ?? 0, 'lo', 0)]);
  t.is(kernel.connect().ask(add('a'), thing).attributes.name, 'lo');
  t.throws(() => refusing(0).connect().ask(add('a'), thing), { message: 'add a: EEXIST: no 0' });
  t.throws(() => new FakeKernel().connect().ask(add('a'), thing), { message: /ENOMSG/ });
});

test('a dump is read out of as many datagrams as it takes', (t) => {
  const kernel = new FakeKernel(([{ sequence } = { sequence: 0 }]) => [
    Buffer.concat([told(sequence, 'a'), told(sequence, 'b')]),
    told(sequence, 'c'),
    Buffer.concat([told(sequence, 'd'), done(sequence)]),
  ]);
  const found = kernel.connect().dump(add('question'), thing);
  t.deepEqual(
    found.map(({ attributes: { name } }) => name),
    ['a', 'b', 'c', 'd'],
  );
  t.is(kernel.messages[0]?.flags, flags.request | flags.create | flags.dump);
});

test('a dump that is refused is an error, at its beginning and at its end', (t) => {
  t.throws(() => refusing(0).connect().dump(add('a'), thing), { message: 'add a: EEXIST: no 0' });
  const late = new FakeKernel(([{ sequence } = { sequence: 0 }]) => [told(sequence, 'a'), done(sequence, 'EPERM')]);
  t.throws(() => late.connect().dump(add('a'), thing), { message: 'add a: EPERM' });
});

test('a table that changed while it was read is read again', (t) => {
  const kernel = new FakeKernel(([{ sequence } = { sequence: 0 }]) => [
    told(sequence, `attempt ${sequence}`, sequence < 3 ? bits.multi | bits.dumpInterrupted : bits.multi),
    done(sequence),
  ]);
  const found = kernel.connect().dump(add('question'), thing);
  t.deepEqual(
    found.map(({ attributes: { name } }) => name),
    ['attempt 3'],
  );
});

test('a table that does not hold still for five attempts is an error', (t) => {
  const kernel = new FakeKernel(([{ sequence } = { sequence: 0 }]) => [
    message(3, bits.multi | bits.dumpInterrupted, sequence, Buffer.alloc(4)),
  ]);
  t.throws(() => kernel.connect().dump(add('list'), thing), {
    message: 'add list: EINTR: the table changed during each of 5 dumps',
  });
  t.is(kernel.heard.length, 5);
});

const begin = request('begin', bracket, 0, {}, {});
const end = request('end', { ...bracket, type: 17 }, 0, {}, {});

test('a batch stands between its brackets, and its last request asks for an answer', (t) => {
  const kernel = refusing();
  kernel.connect().transact(begin, [add('a'), add('b')], end);
  t.deepEqual(
    kernel.messages.map(({ type, sequence, flags: sent }) => [type, sequence, sent & flags.ack]),
    [
      [16, 1, 0],
      [100, 2, 0],
      [100, 3, flags.ack],
      [17, 4, 0],
    ],
  );
});

test('an error in the middle of a batch names the request that failed', (t) => {
  t.throws(
    () =>
      refusing(2)
        .connect()
        .transact(begin, [add('a'), add('b'), add('c')], end),
    {
      message: 'add b: EEXIST: no 2',
    },
  );
});

test('an error of the bracket itself names the bracket', (t) => {
  t.throws(
    () =>
      refusing(0)
        .connect()
        .transact(begin, [add('a')], end),
    { message: 'begin: EEXIST: no 0' },
  );
});

test('what is no netlink at all is not read', (t) => {
  const kernel = new FakeKernel(() => [Buffer.from('not netlink'), Buffer.alloc(0), Buffer.alloc(40)]);
  t.throws(() => kernel.connect().execute([add('a')]), { message: /ENOMSG/ });
  t.throws(() => kernel.connect().ask(add('a'), thing), { message: /ENOMSG/ });
});

test('a connection closes its transport', (t) => {
  const kernel = new FakeKernel();
  kernel.connect().close();
  t.true(kernel.closed);
});
