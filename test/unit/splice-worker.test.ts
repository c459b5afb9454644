import { EventEmitter, once } from 'node:events';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import type { Worker } from 'node:worker_threads';
import test from 'ava';
import { execa } from 'execa';
import { countFields, errorKindOf, sumOfCounts } from '../../src/services/proxy/counters.ts';
import { BusyPoll } from '../../src/services/proxy/splice-worker/busy-poll.ts';
import { EventLoop, portKey } from '../../src/services/proxy/splice-worker/event-loop.ts';
import { CounterTable, FdRegistry } from '../../src/services/proxy/splice-worker/shared-tables.ts';
import { SpliceWorker } from '../../src/services/proxy/splice-worker/splice-worker.ts';
import type { ThreadData } from '../../src/services/proxy/splice-worker/worker-messages.ts';
import { Epoll, readable } from '../../src/sys/epoll.ts';
import { bind, closeSocket, connect, listen, openStream } from '../../src/sys/inet-socket.ts';
import { call } from '../../src/sys/libc.ts';
import { PipeCalls } from '../../src/sys/pipe.ts';
import { parseAddress } from '../../src/values/address.ts';
import { ignoring } from '../../src/values/errors.ts';
import { testProgram } from '../support/program.ts';

const pipes = new PipeCalls();
const loopback = parseAddress('127.0.0.1');

/** Runs until `done`; what a thread would hang on is ended by a timer. */
function run(loop: EventLoop, done: () => boolean): void {
  loop.after(2000, () => {
    throw new Error('never came true');
  });
  loop.run(done);
}

test('dispatches the events of a descriptor, and not those of an unwatched one', (t) => {
  const loop = new EventLoop();
  const [first, bell] = [pipes.open(), pipes.open()];
  const told: string[] = [];
  loop.watch(first.reader, readable, { onEvents: () => told.push('first') });
  loop.unwatch(first.reader);
  loop.watch(bell.reader, readable, { onEvents: () => told.push('bell') });
  writeSync(first.writer, 'x');
  writeSync(bell.writer, 'x');
  run(loop, () => told.length > 0);
  t.deepEqual(told, ['bell']);
  for (const { reader, writer } of [first, bell]) for (const fd of [reader, writer]) closeSync(fd);
});

test('runs timers in the order of time, and no cancelled timer', (t) => {
  const loop = new EventLoop();
  const told: number[] = [];
  loop.after(20, () => told.push(20));
  loop.after(10, () => told.push(10));
  loop.cancel(loop.after(5, () => told.push(5)));
  run(loop, () => told.length === 2);
  t.deepEqual(told, [10, 20]);
});

test('resumes a deferred task after the events of others, without a sleep', (t) => {
  const loop = new EventLoop();
  const pipe = pipes.open();
  const told: string[] = [];
  let turns = 3;
  const long = {
    resume() {
      told.push('long');
      if (--turns > 0) loop.defer(long);
    },
  };
  loop.defer(long);
  loop.watch(pipe.reader, readable, {
    onEvents() {
      told.push('short');
      readSync(pipe.reader, Buffer.alloc(1));
    },
  });
  writeSync(pipe.writer, 'x');
  run(loop, () => turns === 0);
  t.deepEqual(told, ['short', 'long', 'long', 'long']);
  for (const fd of [pipe.reader, pipe.writer]) closeSync(fd);
});

test('lists the open descriptors in both threads', (t) => {
  const registry = new FdRegistry();
  const same = new FdRegistry(registry.memory);
  const [one, other] = [openSync('/dev/null', 'r'), openSync('/dev/null', 'r')];
  registry.add(one);
  registry.add(other);
  registry.close(one);
  t.deepEqual([...same.takeAll()], [other]);
  t.deepEqual([...registry.takeAll()], []);
  closeSync(other);
});

test('reads the counters of the other thread', (t) => {
  const table = new CounterTable();
  const counters = table.of(7);
  const read = () => new CounterTable(table.memory).of(7).read();
  counters.addOpened();
  counters.addOpened();
  counters.addClosed();
  counters.addBytes(true, 2 ** 40);
  counters.addBytes(false, 7);
  counters.addDatagrams(true, 3, 100);
  counters.addError('refused');
  counters.addDrop('unsent', 3);
  counters.addFailedFlow('EMFILE');
  counters.addFailedFlow('ENETUNREACH');
  const zeros = Object.fromEntries(countFields.map((field) => [field, 0]));
  const counted = { bytesIn: 2 ** 40 + 100, bytesOut: 7, datagramsIn: 3, refused: 1, unsent: 3, turnedAway: 1 };
  t.deepEqual(read(), { ...zeros, open: 1, connections: 2, ...counted, unreachable: 1 });
  t.like(sumOfCounts([read(), read()]), { open: 2, connections: 4, bytesIn: 2 ** 41 + 200, unsent: 6 });
  counters.resetOpen();
  t.like(read(), { open: 0, connections: 2 });
  t.deepEqual([table.of(6).read(), table.of(8).read()], [zeros, zeros], 'others have places of their own');
  counters.clear();
  t.deepEqual(read(), zeros);
});

test('maps an errno to the kind of error', (t) => {
  const kinds = ['ECONNREFUSED', 'EHOSTUNREACH', 'EACCES', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT'].map((errno) => [
    errorKindOf(errno, false),
    errorKindOf(errno, true),
  ]);
  t.deepEqual(kinds, [
    ['refused', 'clientReset'],
    ['unreachable', 'clientReset'],
    ['unreachable', 'clientReset'],
    ['containerReset', 'clientReset'],
    ['containerReset', 'clientReset'],
    ['timedOut', 'timedOut'],
  ]);
});

test('polls after a short sleep, and not after a poll in vain', (t) => {
  const busyPoll = new BusyPoll();
  let looks = 0;
  const inVain = () => {
    looks++;
    return 0;
  };
  t.is(busyPoll.poll(inVain), 0);
  t.is(looks, 0, 'nothing has come soon yet');
  busyPoll.recordSleep(50);
  t.is(busyPoll.poll(inVain), 0);
  t.is(looks, 0, 'that was not soon');
  busyPoll.recordSleep(0.02);
  t.is(
    busyPoll.poll(() => 7),
    7,
  );
  t.is(busyPoll.poll(inVain), 0);
  t.true(looks > 0);
  looks = 0;
  t.is(busyPoll.poll(inVain), 0);
  t.is(looks, 0, 'what was earned is spent');
});

/** A listening socket at a free port. */
async function listener(): Promise<readonly [fd: number, port: number]> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await once(server.close(), 'close');
  const fd = openStream(4);
  bind(fd, { address: loopback, port });
  listen(fd, 10);
  return [fd, port];
}

function dial(port: number): number {
  const fd = openStream(4);
  ignoring('EINPROGRESS', () => connect(fd, { address: loopback, port }));
  return fd;
}

/** A worker without a thread. */
function playedThread() {
  return Object.assign(new EventEmitter(), { ref() {}, unref() {}, postMessage() {} }) as unknown as Worker;
}

const targets = { 4: loopback, 6: parseAddress('::1') };
const group = { protocol: 'tcp', hostAddress: loopback, isDualStack: false, targets } as const;

test('stops to watch a socket that ends, although another process has the socket as well', async (t) => {
  let data: ThreadData | undefined;
  const start = (given: ThreadData) => {
    data = given;
    return playedThread();
  };
  const worker = new SpliceWorker({ log: (line) => t.fail(line), start });
  const [fd, hostPort] = await listener();
  const elsewhere = call('copy a descriptor', 'int dup(int)', fd);
  const relay = worker.serve(fd, { group, hostPort, containerPort: 80 });
  const epoll = new Epoll(data?.epoll);
  closeSocket(dial(hostPort));
  t.is(epoll.wait(5000), 1, 'control: clients are events');
  t.deepEqual([epoll.descriptor(0), epoll.key(0)], [fd, portKey]);
  void relay.drain();
  const client = dial(hostPort);
  t.is(epoll.wait(0), 0);
  // The thread may know the port already, and pause: that watches nothing again.
  new EventLoop(epoll).changePort(fd, readable);
  t.is(epoll.wait(0), 0);
  for (const each of [client, elsewhere, fd]) closeSocket(each);
});

test('opens a port at its first event, and ignores the event of a port that has ended', (t) => {
  const pipe = pipes.open();
  const events: string[] = [];
  const handler = { onEvents: () => events.push('port') };
  let open = false;
  const loop = new EventLoop(new Epoll(), (fd) => (open && fd === pipe.reader ? handler : undefined));
  loop.epoll.add(pipe.reader, readable, portKey);
  writeSync(pipe.writer, 'x');
  loop.after(10, () => {
    t.deepEqual(events, []);
    open = true;
  });
  run(loop, () => events.length > 0);
  for (const fd of [pipe.reader, pipe.writer]) closeSync(fd);
});

test.serial('names the system call that a seccomp profile refuses', async (t) => {
  const [program, ...parameters] = testProgram('refused-splice-main');
  const { stdout, stderr } = await execa(program, parameters, { reject: false });
  t.is(stderr, '');
  t.deepEqual(JSON.parse(stdout), {
    code: 'not-supported',
    message: 'cannot publish ports: the kernel refuses splice: EPERM',
    hint: 'allow epoll_ctl, epoll_wait, pipe2 and splice in the seccomp profile of this process',
  });
});

test('ends the process while the thread starts', async (t) => {
  const [program, ...parameters] = testProgram('relay-exit-main');
  const moments = ['0', '20', '40', '80'];
  const ends = moments.map((moment) => execa(program, [...parameters, moment], { reject: false }));
  for (const { exitCode, stdout, stderr } of await Promise.all(ends))
    t.deepEqual({ exitCode, stdout, stderr }, { exitCode: 0, stdout: 'started', stderr: '' });
});
