/**
 * What goes wrong with one connection, and what becomes of the others:
 *
 *     clients ── 127.0.0.1 │ a relay in a process of its own │ ── 10.9.0.2, which echoes to whom says "echo", and is deaf to all others
 *
 * Refusals, resets and what never answers: proxy-tcp.test.ts. A thread that dies: proxy-engine.test.ts. A process that is killed:
 * many-ports.test.ts.
 */
import { type ChildProcess, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import test, { registerCompletionHandler } from 'ava';
import { waitFor } from '../../src/lab/wait.ts';
import { isLong } from '../support/long.ts';
import { lacksMemoryGroups, MemoryGroup } from '../support/memory-group.ts';
import { enterPrivateNetwork, ip } from '../support/private-network.ts';
import { startRelayProcess } from '../support/relay-process.ts';
import { skipUnless } from '../support/skip.ts';

const container = '10.9.0.2';
const mebibyte = 1 << 20;
let port = 8000;
let echoPort = 0;

registerCompletionHandler(() => {
  process.exit();
});

/** What a socket may hold. Only cgroups v2 count that as its process's memory, and the kernel's own bound is 32 MiB each. */
const queueBytes = 256 * 1024;

test.before(async () => {
  enterPrivateNetwork();
  for (const direction of ['rmem', 'wmem'])
    writeFileSync(`/proc/sys/net/ipv4/tcp_${direction}`, `4096 131072 ${queueBytes}`);
  ip(`address add ${container}/32 dev lo`);
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket
      .on('error', () => {})
      .once('data', (word) => {
        if (!String(word).startsWith('echo')) {
          socket.pause();
          return;
        }
        socket.write(word);
        socket.pipe(socket);
      });
  }).listen(0, container);
  await once(server, 'listening');
  echoPort = (server.address() as AddressInfo).port;
});

interface Served {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly hostPort: number;
}

/** @param before what runs it */
async function startRelay(before: readonly string[] = []): Promise<Served> {
  const hostPort = ++port;
  const child = await startRelayProcess({ hostPort, target: container, targetPort: echoPort }, before);
  return { child, pid: child.pid ?? 0, hostPort };
}

async function client(hostPort: number): Promise<Socket> {
  const socket = connect(hostPort, '127.0.0.1');
  await once(socket, 'connect');
  return socket.on('error', () => {});
}

/** One that is echoed to, and stays. */
async function served(hostPort: number): Promise<Socket> {
  const socket = await client(hostPort);
  socket.write('echo');
  await once(socket, 'data');
  return socket;
}

async function answers(socket: Socket, word: string): Promise<boolean> {
  socket.write(word);
  const [answer] = (await once(socket, 'data', { signal: AbortSignal.timeout(30_000) })) as [Buffer];
  return String(answer) === word;
}

/** Fills every queue on the way. @returns how much went in */
async function stuff(socket: Socket): Promise<number> {
  const chunk = Buffer.alloc(64 * 1024, 'x');
  for (let sent = 0; ; sent += chunk.length) {
    if (socket.write(chunk)) continue;
    const drained = await Promise.race([once(socket, 'drain').then(() => true), delay(300).then(() => false)]);
    if (!drained) return sent;
  }
}

const [deafCount, slowCount, rounds] = isLong ? [100, 1000, 20] : [20, 300, 4];

test.serial(
  'containers that do not read take a bounded memory, the kernel’s included; others are served',
  async (t) => {
    if (skipUnless(t, lacksMemoryGroups())) return;
    const group = MemoryGroup.make(`gangway-test-faults-${process.pid}`);
    const { child, hostPort } = await startRelay(group.entering);
    t.teardown(async () => {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      group.remove();
    });
    const other = await served(hostPort);
    const before = group.usedBytes;
    group.limit(before + 64 * mebibyte);
    const deaf = await Promise.all(Array.from({ length: deafCount }, () => client(hostPort)));
    const sent = await Promise.all(deaf.map(stuff));
    const total = sent.reduce((sum, bytes) => sum + bytes, 0);
    const grown = group.usedBytes - before;
    t.log(
      `${(total / mebibyte).toFixed(0)} MiB were sent, the relay has grown by ${(grown / mebibyte).toFixed(1)} MiB`,
    );
    t.true(total > deafCount * queueBytes, 'control: the queues of the kernel are full');
    t.true(await answers(other, 'still there?'));
    t.true(await answers(await served(hostPort), 'and who comes now?'));
    t.is(group.kills, 0);
    for (const socket of deaf) socket.destroy();
  },
);

test.serial('hundreds of clients that say a letter now and then, and who has much to say meanwhile', async (t) => {
  const { hostPort } = await startRelay();
  const slow = await Promise.all(Array.from({ length: slowCount }, () => served(hostPort)));
  let letters = 0;
  for (const socket of slow) socket.on('data', () => letters++);
  const clock = setInterval(() => {
    for (let count = 0; count < 20; count++) slow[Math.floor(Math.random() * slow.length)]?.write('x');
  }, 10);
  const bulk = await served(hostPort);
  const [question, answer] = [randomBytes(8 * mebibyte), createHash('sha256')];
  const whole = new Promise<void>((resolve) => {
    bulk.on('data', (data) => answer.update(data)).once('end', resolve);
  });
  bulk.end(question);
  const quick = await served(hostPort);
  for (let round = 0; round < 100; round++) t.true(await answers(quick, `round ${round}`));
  await whole;
  t.is(answer.digest('hex'), createHash('sha256').update(question).digest('hex'));
  clearInterval(clock);
  await waitFor('the slow ones were heard', () => letters > 0);
  for (const socket of [...slow, quick]) socket.destroy();
});

test.serial(
  'who comes when descriptors have run out waits or is turned away; who is served stays, and who comes later is served',
  async (t) => {
    const { pid, hostPort } = await startRelay();
    const early = await Promise.all(Array.from({ length: 10 }, () => served(hostPort)));
    const limit = (count: number) => spawnSync('prlimit', [`--pid=${pid}`, `--nofile=${count}:20000`]);
    const taken = new Set(readdirSync(`/proc/${pid}/fd`));
    limit(Array.from({ length: 1000 }, (_, fd) => fd).find((fd) => !taken.has(String(fd))) ?? 0);
    const late = Array.from({ length: 50 }, () => connect(hostPort, '127.0.0.1').on('error', () => {}));
    for (let round = 0; round < 20; round++)
      for (const socket of early) t.true(await answers(socket, `round ${round}`));
    t.is(readdirSync(`/proc/${pid}/fd`).length, taken.size, 'control: nobody else was taken in');
    limit(1000);
    t.true(await answers(await served(hostPort), 'at last'));
    for (const socket of early) t.true(await answers(socket, 'and still'));
    for (const socket of [...early, ...late]) socket.destroy();
  },
);

test.serial('clients that break off in the middle, again and again, leave nothing behind', async (t) => {
  const { pid, hostPort } = await startRelay();
  const stays = await served(hostPort);
  const count = () => readdirSync(`/proc/${pid}/fd`).length;
  const before = count();
  for (let round = 0; round < rounds; round++) {
    const sockets = await Promise.all(Array.from({ length: 50 }, () => served(hostPort)));
    for (const [index, socket] of sockets.entries()) {
      socket.write(Buffer.alloc(100_000));
      if (index % 2 === 0) socket.resetAndDestroy();
      else socket.destroy();
    }
  }
  // Pipes are kept for the next stream.
  await waitFor('their descriptors are closed', () => count() <= before + 2 * 16);
  t.true(await answers(stays, 'still there?'));
  stays.destroy();
});
