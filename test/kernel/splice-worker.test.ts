/** What only the engine has: a thread that may die, descriptors of its own, pipes. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import test, { registerCompletionHandler } from 'ava';
import { waitFor } from '../../src/lab/wait.ts';
import type { Relay } from '../../src/services/proxy/relay.ts';
import { reserve, serve } from '../../src/services/proxy/reservation.ts';
import {
  SpliceWorker,
  type SpliceWorkerOptions,
  startThread,
} from '../../src/services/proxy/splice-worker/splice-worker.ts';
import { parseAddress } from '../../src/values/address.ts';
import { ignoring } from '../../src/values/errors.ts';
import { container, startEchoContainer } from '../support/echo-container.ts';
import { startRelayProcess } from '../support/relay-process.ts';
import { sockets } from '../support/sockets.ts';
import { newWorker } from '../support/splice-worker.ts';

let port = 8000;
let echoPort = 0;

registerCompletionHandler(() => {
  process.exit();
});

test.before(async () => {
  echoPort = await startEchoContainer();
});

interface Published {
  readonly relay: Relay;
  readonly hostPort: number;
}

function publish(worker: SpliceWorker): Published {
  const hostPort = ++port;
  const hostAddress = parseAddress('127.0.0.1');
  const binding = { protocol: 'tcp', hostAddress, hostPort, containerPort: echoPort } as const;
  const [relay] = serve(reserve(sockets({ binding, target: parseAddress(container) })), worker);
  if (relay === undefined) throw new Error('nothing served');
  return { relay, hostPort };
}

/** A connection on which a word has come back. */
async function echoed(hostPort: number, word = 'hello'): Promise<Socket> {
  const socket = connect(hostPort, '127.0.0.1').on('error', () => {});
  socket.write(word);
  await once(socket, 'data');
  return socket;
}

/** Carries one connection from its beginning to its end: whoever carries has then opened all that it needs. */
async function unasked({ hostPort, relay }: Published): Promise<void> {
  (await echoed(hostPort)).destroy();
  await waitFor('no client is there', () => relay.clients === 0);
}

interface Watched {
  readonly worker: SpliceWorker;
  readonly logged: string[];
  /** Ends the thread that runs. */
  kill(): void;
}

function watched(options: Partial<SpliceWorkerOptions>): Watched {
  const logged: string[] = [];
  let thread: Worker | undefined;
  const start: SpliceWorkerOptions['start'] = (data) => {
    thread = startThread(data);
    return thread;
  };
  const worker = new SpliceWorker({ log: (line) => logged.push(line), start, ...options });
  return { worker, logged, kill: () => void thread?.terminate() };
}

for (const [title, stableMilliseconds, sentence] of [
  ['at once after a stable thread', 0, /^published ports: the relay thread died: .*; a new thread starts at once$/],
  ['after a delay', 60_000, /^published ports: the relay thread died: .*; a new thread starts in 0\.2 s$/],
] as const)
  test.serial(
    `closes all descriptors of a thread that dies under load, and serves its ports again ${title}`,
    async (t) => {
      const restartTimes = { stableMilliseconds, firstMilliseconds: 200, longestMilliseconds: 200 };
      const { worker, logged, kill } = watched({ restartTimes });
      const [one, other, leaving] = [publish(worker), publish(worker), publish(worker)];
      await unasked(one);
      const before = readdirSync('/proc/self/fd').length;
      const sockets = await Promise.all([one, other, leaving, one, other].map(({ hostPort }) => echoed(hostPort)));
      const left = leaving.relay.drain();
      const failures = sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve)));
      const flow = setInterval(() => {
        for (const socket of sockets) socket.write(Buffer.alloc(100_000));
      }, 1);
      kill();
      await Promise.all(failures);
      clearInterval(flow);
      const errors = sockets.map(({ errored }) => (errored as NodeJS.ErrnoException | null)?.code);
      t.deepEqual(
        errors.filter((code) => code === undefined),
        [],
        errors.join(),
      );
      await left;
      t.regex(logged.join(), new RegExp(sentence.source.replace('.*;', '.*; open connections are reset,')));
      t.deepEqual([one.relay.clients, other.relay.clients], [0, 0]);
      for (const each of [one, other]) await unasked(each);
      const after = readdirSync('/proc/self/fd').length;
      t.true(after < before, 'the socket of the stopped port is closed, and no descriptor is new');
      await Promise.all([one.relay.abort(), other.relay.abort()]);
    },
  );

test.serial('serves ports as soon as a thread starts, after threads that fail at their start', async (t) => {
  let failures = 0;
  const start: SpliceWorkerOptions['start'] = (data) => {
    if (failures++ < 2) return new Worker('throw new Error("no thread today")', { eval: true });
    if (failures === 3) throw new Error('too many threads');
    return startThread(data);
  };
  const restartTimes = { stableMilliseconds: 60_000, firstMilliseconds: 200, longestMilliseconds: 1000 };
  const { worker, logged } = watched({ start, restartTimes });
  const { hostPort, relay } = publish(worker);
  const early = echoed(hostPort);
  await waitFor('the first thread has died', () => logged.length === 1);
  const [added, stopped] = [publish(worker), publish(worker)];
  await stopped.relay.drain();
  t.is(spawnSync('ss', ['-Hltn', `sport = :${stopped.hostPort}`], { encoding: 'utf8' }).stdout, '');
  (await early).destroy();
  (await echoed(added.hostPort)).destroy();
  const died =
    'published ports: the relay thread died: no thread today; open connections are reset, a new thread starts in';
  const refused = 'published ports: cannot start the relay thread: too many threads';
  t.deepEqual(logged, [
    `${died} 0.2 s`,
    `${died} 0.4 s`,
    `${refused}; open connections are reset, a new thread starts in 0.8 s`,
  ]);
  await Promise.all([relay.drain(), added.relay.drain()]);
});

test.serial('connections that carry much hold a pipe only while they do', async (t) => {
  const { hostPort, relay } = publish(newWorker());
  const sockets = await Promise.all(Array.from({ length: 60 }, () => echoed(hostPort)));
  let most = 0;
  const watch = setInterval(() => {
    most = Math.max(most, pipes());
  }, 1);
  const before = pipes();
  const bytes = 1 << 20;
  await Promise.all(
    sockets.map(async (socket) => {
      let heard = 0;
      socket.on('data', (data) => {
        heard += data.length;
      });
      socket.write(Buffer.alloc(bytes));
      await waitFor('all bytes are there', () => heard === bytes);
    }),
  );
  clearInterval(watch);
  t.log(`${before} ends of pipes before, ${most} at most, ${pipes()} afterwards`);
  t.true(most > before, 'control: there were some');
  t.true(pipes() <= before + 2 * 16);
  for (const socket of sockets) socket.destroy();
  await relay.drain();
});

function pipes(): number {
  const numbers = readdirSync('/proc/self/fd');
  const targets = numbers.map((fd) => ignoring('ENOENT', () => readlinkSync(`/proc/self/fd/${fd}`)));
  return targets.filter((target) => target?.startsWith('pipe:')).length;
}

/** The processor time of a process, in hundredths of a second. */
function ticks(pid: number | undefined): number {
  const [, fields = ''] = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ');
  return Number(fields.split(' ')[11]) + Number(fields.split(' ')[12]);
}

test.serial('where accepting fails for want of descriptors, clients wait, and nobody is lost', async (t) => {
  const whole = { worker: 'engine', hostPort: ++port, target: container, targetPort: echoPort } as const;
  const relay = await startRelayProcess(whole);
  const served = await Promise.all(Array.from({ length: 5 }, () => echoed(port)));
  const limit = (count: number) => spawnSync('prlimit', [`--pid=${relay.pid}`, `--nofile=${count}:20000`]);
  // The lowest descriptor that is free is none any more.
  const taken = new Set(readdirSync(`/proc/${relay.pid}/fd`));
  limit(Array.from({ length: 1000 }, (_, fd) => fd).find((fd) => !taken.has(String(fd))) ?? 0);
  const before = ticks(relay.pid);
  const late = echoed(port, 'late');
  t.is(await Promise.race([late, delay(500).then(() => 'waits')]), 'waits');
  t.true(ticks(relay.pid) - before < 25, 'it does not turn round and round meanwhile');
  for (const socket of served) {
    socket.write('still there?');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    t.is(String(answer), 'still there?');
  }
  limit(1000);
  (await late).destroy();
  for (const socket of served) socket.destroy();
  relay.kill('SIGKILL');
});
