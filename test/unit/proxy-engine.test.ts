import { EventEmitter, once } from 'node:events';
import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { type AddressInfo, connect as connectTo, createServer } from 'node:net';
import type { Worker } from 'node:worker_threads';
import test from 'ava';
import { execa } from 'execa';
import { countFields, errorKindOf, sumOfCounts } from '../../src/services/proxy/counters.ts';
import { NodeRelays } from '../../src/services/proxy/fallback-relays.ts';
import type { Carrier } from '../../src/services/proxy/relay.ts';
import { Vigil } from '../../src/services/proxy/splice-worker/busy-poll.ts';
import { CounterTable } from '../../src/services/proxy/splice-worker/counter-table.ts';
import { Loop } from '../../src/services/proxy/splice-worker/event-loop.ts';
import { Ledger } from '../../src/services/proxy/splice-worker/fd-registry.ts';
import { QuietPort } from '../../src/services/proxy/splice-worker/idle-port.ts';
import { Engine } from '../../src/services/proxy/splice-worker/splice-worker.ts';
import type { Birth } from '../../src/services/proxy/splice-worker/worker-messages.ts';
import { Epoll, readable } from '../../src/sys/epoll.ts';
import { bind, closeSocket, connect, listen, openStream } from '../../src/sys/inet-socket.ts';
import { call } from '../../src/sys/libc.ts';
import { PipeCalls } from '../../src/sys/pipe.ts';
import { parseAddress } from '../../src/values/address.ts';
import { ignoring, KernelError } from '../../src/values/errors.ts';
import { testProgram } from '../support/program.ts';

const pipes = new PipeCalls();
const loopback = parseAddress('127.0.0.1');

/** Runs until `done`; what a thread would hang on is ended by a timer. */
function run(loop: Loop, done: () => boolean): void {
  loop.after(2000, () => {
    throw new Error('never came true');
  });
  loop.run(done);
}

test('what was watched is told, and a descriptor of the same number that nobody watches is not taken for it', (t) => {
  const loop = new Loop();
  const [first, bell] = [pipes.open(), pipes.open()];
  const told: string[] = [];
  loop.watch(first.reader, readable, { ready: () => told.push('first') });
  loop.forget(first.reader);
  loop.watch(bell.reader, readable, { ready: () => told.push('bell') });
  writeSync(first.writer, 'x');
  writeSync(bell.writer, 'x');
  run(loop, () => told.length > 0);
  t.deepEqual(told, ['bell']);
  for (const { reader, writer } of [first, bell]) for (const fd of [reader, writer]) closeSync(fd);
});

test('what is due comes in the order of time, and what was called off does not', (t) => {
  const loop = new Loop();
  const told: number[] = [];
  loop.after(20, () => told.push(20));
  loop.after(10, () => told.push(10));
  loop.cancel(loop.after(5, () => told.push(5)));
  run(loop, () => told.length === 2);
  t.deepEqual(told, [10, 20]);
});

test('who had not finished goes on after the others, and nobody sleeps until then', (t) => {
  const loop = new Loop();
  const pipe = pipes.open();
  const told: string[] = [];
  let turns = 3;
  const long = {
    proceed() {
      told.push('long');
      if (--turns > 0) loop.again(long);
    },
  };
  loop.again(long);
  loop.watch(pipe.reader, readable, {
    ready() {
      told.push('short');
      readSync(pipe.reader, Buffer.alloc(1));
    },
  });
  writeSync(pipe.writer, 'x');
  run(loop, () => turns === 0);
  t.deepEqual(told, ['short', 'long', 'long', 'long']);
  for (const fd of [pipe.reader, pipe.writer]) closeSync(fd);
});

test('the ledger knows what is open, in whichever thread', (t) => {
  const ledger = new Ledger();
  const same = new Ledger(ledger.memory);
  const [one, other] = [openSync('/dev/null', 'r'), openSync('/dev/null', 'r')];
  ledger.add(one);
  ledger.add(other);
  ledger.remove(one);
  t.deepEqual([...same.clear()], [other]);
  t.deepEqual([...ledger.clear()], []);
  closeSync(one);
  closeSync(other);
});

test('counters are read where they were not counted', (t) => {
  const table = new CounterTable();
  const counters = table.of(7);
  const read = () => new CounterTable(table.memory).of(7).read();
  counters.began();
  counters.began();
  counters.ended();
  counters.carried(true, 2 ** 40);
  counters.carried(false, 7);
  counters.carriedDatagrams(true, 3, 100);
  counters.failed('refused');
  counters.dropped('unsent', 3);
  counters.notBegun('EMFILE');
  counters.notBegun('ENETUNREACH');
  const zeros = Object.fromEntries(countFields.map((field) => [field, 0]));
  const counted = { bytesIn: 2 ** 40 + 100, bytesOut: 7, datagramsIn: 3, refused: 1, unsent: 3, turnedAway: 1 };
  t.deepEqual(read(), { ...zeros, open: 1, connections: 2, ...counted, unreachable: 1 });
  t.like(sumOfCounts([read(), read()]), { open: 2, connections: 4, bytesIn: 2 ** 41 + 200, unsent: 6 });
  counters.deserted();
  t.like(read(), { open: 0, connections: 2 });
  t.deepEqual([table.of(6).read(), table.of(8).read()], [zeros, zeros], 'others have places of their own');
  counters.clear();
  t.deepEqual(read(), zeros);
});

test('an errno tells who is to blame', (t) => {
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

test('who hears of something soon after each sleep stays awake for a moment, and who looks in vain does so no more', (t) => {
  const vigil = new Vigil();
  let looks = 0;
  const inVain = () => {
    looks++;
    return 0;
  };
  t.is(vigil.keep(inVain), 0);
  t.is(looks, 0, 'nothing has come soon yet');
  vigil.slept(50);
  t.is(vigil.keep(inVain), 0);
  t.is(looks, 0, 'that was not soon');
  vigil.slept(0.02);
  t.is(
    vigil.keep(() => 7),
    7,
  );
  t.is(vigil.keep(inVain), 0);
  t.true(looks > 0);
  looks = 0;
  t.is(vigil.keep(inVain), 0);
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

/** A thread that is played: it hears nothing, and ends when the test says so. */
function playedThread() {
  return Object.assign(new EventEmitter(), { ref() {}, unref() {}, postMessage() {} }) as unknown as Worker;
}

const targets = { 4: loopback, 6: parseAddress('::1') };
const way = { protocol: 'tcp', hostAddress: loopback, isShared: false, targets } as const;

for (const [when, late] of [
  ['of which the thread has heard', false],
  ['of which the thread hears in just that moment', true],
] as const)
  test(`a socket ${when} is watched no more when it is withdrawn, although another process has it, too`, async (t) => {
    let birth: Birth | undefined;
    const start = (given: Birth) => {
      birth = given;
      return playedThread();
    };
    const engine = new Engine({ fallback: new NodeRelays(), say: (line) => t.fail(line), start });
    const [fd, hostPort] = await listener();
    const elsewhere = call('copy a descriptor', 'int dup(int)', fd);
    const relay = engine.serve(fd, { way, hostPort, containerPort: 80 });
    const epoll = new Epoll(birth?.epoll);
    const owner = { loop: new Loop(epoll), begin: () => t.fail() as never, ended() {} };
    const hear = () => new QuietPort(fd, way, 80, owner);
    if (late) {
      engine.unwatch = (each) => {
        Engine.prototype.unwatch.call(engine, each);
        hear();
      };
    } else {
      hear();
      closeSocket(dial(hostPort));
      t.is(epoll.wait(5000), 1, 'control: its clients are told of');
    }
    void relay.withdraw();
    const client = dial(hostPort);
    t.is(epoll.wait(0), 0);
    for (const each of [client, elsewhere, fd]) closeSocket(each);
  });

test.serial(
  'when the thread has died, a port that nobody can take over is lost and said so, and the others go on',
  async (t) => {
    const thread = playedThread();
    const said: string[] = [];
    const [[fd, hostPort], [otherFd, otherPort]] = [await listener(), await listener()];
    const nodes = new NodeRelays();
    const fallback: Carrier = {
      serve(each, forward) {
        if (each !== fd) return nodes.serve(each, forward);
        closeSocket(each);
        throw new KernelError('listen', 'EMFILE');
      },
      tidy() {},
    };
    const engine = new Engine({ fallback, say: (line) => said.push(line), start: () => thread });
    const lost = engine.serve(fd, { way, hostPort, containerPort: 80 });
    const other = engine.serve(otherFd, { way, hostPort: otherPort, containerPort: 80 });
    t.notThrows(() => thread.emit('exit'));
    t.regex(
      said.join('\n'),
      new RegExp(`^the engine .* died .*\nport 127.0.0.1:${hostPort}/tcp .* is closed: listen: EMFILE$`),
    );
    const successor = openSync('/dev/null', 'r');
    t.is(successor, fd, 'its number is somebody else’s');
    t.like({ ...lost.counts(), clients: lost.clients }, { open: 0, clients: 0 });
    await Promise.all([lost.withdraw(), lost.cut()]);
    t.true(fstatSync(successor).isCharacterDevice());
    closeSync(successor);
    const client = connectTo(otherPort, '127.0.0.1').on('error', () => {});
    await once(client, 'connect');
    client.destroy();
    await other.cut();
  },
);

test('where there can be no other thread, Node’s own sockets take over', async (t) => {
  const thread = playedThread();
  const said: string[] = [];
  const [fd, hostPort] = await listener();
  const start = () => {
    if (said.length > 0) throw new Error('too many threads');
    return thread;
  };
  const options = { say: (line: string) => said.push(line), leastLifeMilliseconds: 0, start };
  const engine = new Engine({ ...options, fallback: new NodeRelays() });
  const relay = engine.serve(fd, { way, hostPort, containerPort: 80 });
  t.notThrows(() => thread.emit('exit'));
  t.regex(
    said.join('\n'),
    /go on in another one.*\nthere is no other one \(too many threads\): .* Node's own sockets$/,
  );
  const client = connectTo(hostPort, '127.0.0.1').on('error', () => {});
  await once(client, 'connect');
  client.destroy();
  await relay.cut();
});

test('a process may end while its thread is being born', async (t) => {
  const [program, ...parameters] = testProgram('relay-exit-main');
  const moments = ['0', '20', '40', '80'];
  const ends = moments.map((moment) => execa(program, [...parameters, moment], { reject: false }));
  for (const { exitCode, stdout, stderr } of await Promise.all(ends))
    t.deepEqual({ exitCode, stdout, stderr }, { exitCode: 0, stdout: 'born', stderr: '' });
});
