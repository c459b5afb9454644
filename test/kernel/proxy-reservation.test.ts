import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import test, { registerCompletionHandler } from 'ava';
import { waitFor } from '../../src/lab/wait.ts';
import type { Relay } from '../../src/services/proxy/relay.ts';
import { reserve, serve } from '../../src/services/proxy/reservation.ts';
import type { SocketForward } from '../../src/services/proxy/socket-forward.ts';
import { closeSocket } from '../../src/sys/inet-socket.ts';
import { parseAddress } from '../../src/values/address.ts';
import type { Forward } from '../../src/values/port.ts';
import { enterPrivateNetwork, ip } from '../support/private-network.ts';
import { sockets } from '../support/sockets.ts';
import { newWorker } from '../support/splice-worker.ts';
import { withWorker } from '../support/with-worker.ts';

const container = '10.9.0.2';
const holders: ChildProcess[] = [];

registerCompletionHandler(() => {
  for (const holder of holders) holder.kill('SIGKILL');
  process.exit();
});

test.before(() => {
  enterPrivateNetwork();
  ip(`address add ${container}/32 dev lo`);
});

function forward(protocol: 'tcp' | 'udp', hostAddress: string, hostPort: number, containerPort = 80): Forward {
  return {
    binding: { protocol, hostAddress: parseAddress(hostAddress), hostPort, containerPort },
    target: parseAddress(container),
  };
}

/** Another program that holds a port. */
async function occupy(what: string): Promise<ChildProcess> {
  const holder = spawn('socat', ['-d', '-d', what, 'PIPE'], { stdio: ['ignore', 'ignore', 'pipe'] });
  holders.push(holder);
  if (holder.stderr === null) throw new Error('no stderr');
  for await (const line of holder.stderr) if (/listening on|receiving on|starting/.test(String(line))) break;
  return holder;
}

for (const [protocol, what, wanted] of [
  ['tcp', 'TCP4-LISTEN:7001', '127.0.0.1'],
  ['tcp', 'TCP4-LISTEN:7001,bind=127.0.0.1', '0.0.0.0'],
  ['tcp', 'TCP6-LISTEN:7001', '0.0.0.0'],
  ['tcp', 'TCP6-LISTEN:7001,ipv6only', '::'],
  ['udp', 'UDP4-RECVFROM:7001', '0.0.0.0'],
] as const) {
  test.serial(`a port in use names the program and its pid: ${what} and ${wanted}`, async (t) => {
    const holder = await occupy(what);
    const error = t.throws(() => reserve(sockets(forward(protocol, wanted, 7001))));
    const host = wanted.includes(':') ? `[${wanted}]` : wanted;
    t.like(error, {
      code: 'port-in-use',
      subject: `${host}:7001/${protocol}`,
      message: `port ${host}:7001/${protocol} is in use by socat (pid ${holder.pid})`,
      hint: 'stop that process, or publish another host port',
    });
    holder.kill('SIGKILL');
    await once(holder, 'exit');
  });
}

test.serial('all addresses are bound, or none', async (t) => {
  const holder = await occupy('TCP4-LISTEN:7003');
  const ports = [7002, 7003].map((port) => forward('tcp', '0.0.0.0', port));
  t.throws(() => reserve(sockets(...ports)), { message: /7003/ });
  const again = reserve(sockets(forward('tcp', '0.0.0.0', 7002), forward('udp', '::', 7002)));
  t.is(again.length, 2);
  for (const reservation of again) reservation.release();
  holder.kill('SIGKILL');
});

/** A client of this port has sent its SYN and has no answer: SYN_SENT, 02 in proc_net_tcp. */
function asks(port: number): boolean {
  const remote = `:${port.toString(16).toUpperCase().padStart(4, '0')} 02 `;
  return readFileSync('/proc/thread-self/net/tcp', 'utf8').includes(remote);
}

test.serial('all are served, or none, and nobody is let in before', async (t) => {
  const server = createServer((socket) => socket.end('served')).listen(7081, container);
  await once(server, 'listening');
  const forwards = [
    forward('tcp', '127.0.0.1', 7006, 7081),
    forward('udp', '127.0.0.1', 7007),
    forward('tcp', '127.0.0.1', 7008, 7081),
  ].flatMap((each) => sockets(each));
  const worker = newWorker();
  const broken = {
    serve(fd: number, forward: SocketForward): Relay {
      if (forward.group.protocol === 'tcp') return worker.serve(fd, forward);
      closeSocket(fd);
      throw new Error('no more than this');
    },
  };
  // The thread keeps descriptors of its own, so it has to run before.
  for (const relay of serve(reserve(sockets(forward('tcp', '127.0.0.1', 7006, 7081))), worker)) await relay.abort();
  const open = readdirSync('/proc/self/fd').length;
  const reservations = reserve(forwards);
  const early = connect(7006, '127.0.0.1');
  const heard = once(early, 'connect').then(
    () => 'let in',
    (error) => error.code,
  );
  await waitFor('it has asked', () => asks(7006));
  t.throws(() => serve(reservations, broken), { message: 'no more than this' });
  t.is(await heard, 'ECONNREFUSED');
  early.destroy();
  await waitFor('no socket is left open', () => readdirSync('/proc/self/fd').length === open);
  for (const reservation of reserve(forwards)) reservation.release();
  server.close();
});

test.serial("an address that is not this host's is named", (t) => {
  const error = t.throws(() => reserve(sockets(forward('tcp', '198.51.100.7', 7004))));
  t.like(error, {
    code: 'invalid-address',
    message: 'cannot publish on 198.51.100.7: this host has no such address',
  });
});

interface Storm {
  /** Waits until so many more have asked. */
  asked(clients: number): Promise<void>;
  /** Waits until so many more have ended in this way. */
  ended(clients: number, outcome: string): Promise<void>;
}

/** Clients that ask a port again and again while something happens to it, and how many of them ended how. */
async function storm(port: number, meanwhile: (storm: Storm) => Promise<void>): Promise<ReadonlyMap<string, number>> {
  const outcomes = new Map<string, number>();
  const count = (outcome: string) => outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  const attempt = () =>
    new Promise<void>((resolve) => {
      let heard = '';
      const socket = connect(port, '127.0.0.1');
      socket.on('data', (data) => {
        heard += String(data);
      });
      socket.on('error', (error: NodeJS.ErrnoException) => count(String(error.code)));
      socket.on('end', () => count(heard === 'served' ? 'served' : 'accepted and closed'));
      socket.on('close', () => resolve());
    });
  const attempts: Promise<void>[] = [];
  const clock = setInterval(() => attempts.push(attempt()), 1);
  const more = (clients: number, count: () => number) => {
    const enough = count() + clients;
    return waitFor(`${clients} more clients`, () => count() >= enough);
  };
  const asked = (clients: number) => more(clients, () => attempts.length);
  const ended = (clients: number, outcome: string) => more(clients, () => outcomes.get(outcome) ?? 0);
  await meanwhile({ asked, ended }).finally(() => clearInterval(clock));
  await Promise.all(attempts);
  return outcomes;
}

withWorker('accepts no client between reserving and serving', async (t, worker) => {
  const server = createServer((socket) => socket.end('served')).listen(7080, container);
  t.teardown(() => server.close());
  await once(server, 'listening');
  const unguarded = await storm(7006, async ({ ended }) => {
    const plain = createServer((socket) => socket.end()).listen(7006, '127.0.0.1');
    await once(plain, 'listening');
    await ended(1, 'accepted and closed').finally(() => plain.close());
  });
  t.true(unguarded.has('accepted and closed'), 'control: a socket that merely listens lets clients in');
  let leaving: ReturnType<typeof serve>[number] | undefined;
  const outcomes = await storm(7005, async ({ asked, ended }) => {
    for (let round = 0; round < 20; round++) {
      await ended(3, 'ECONNREFUSED');
      const [reservation] = reserve(sockets(forward('tcp', '127.0.0.1', 7005, 7080)));
      await asked(6);
      reservation?.release();
    }
    const reservations = reserve(sockets(forward('tcp', '127.0.0.1', 7005, 7080)));
    await asked(6);
    [leaving] = serve(reservations, worker);
    await ended(10, 'served');
  });
  t.deepEqual([...outcomes.keys()].sort(), ['ECONNREFUSED', 'served']);
  await leaving?.drain();
});

withWorker('1,000 ports are held and served by one process', async (t, worker) => {
  const forwards = Array.from({ length: 1000 }, (_, index) => [
    forward('tcp', '0.0.0.0', 20_000 + index),
    forward('tcp', '::', 20_000 + index),
  ]).flat();
  const begun = performance.now();
  const relays = serve(reserve(sockets(...forwards)), worker);
  t.log(`1,000 ports reserved and served in ${(performance.now() - begun).toFixed(0)} ms`);
  t.is(relays.length, 1000);
  await Promise.all(relays.map((relay) => relay.drain()));
});
