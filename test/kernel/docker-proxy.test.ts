// In docker-proxy's place, without a dockerd: this test does its part.
//
//     test, as dockerd                                switchboard, started by the first of them
//        │ starts, with a pipe as 3, a socket as 4        │
//        └──> stand-in, a shell  <── FIFO, signals ──>    │ 127.0.0.1:8001 ──> 10.9.0.2:80, fd09::2:80
//
// All of it on `lo` of a network of the test's own. Clients bind their source: the connect hook leads none of them.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { registerCompletionHandler } from 'ava';
import { findSwitchboard } from '../../src/engine/switchboard/launch.ts';
import { identifyProcess } from '../../src/kernel/process.ts';
import { waitFor } from '../../src/lab/wait.ts';
import { bind, closeSocket, listen, openDatagram, openStream } from '../../src/sys/inet-socket.ts';
import { parseAddress } from '../../src/values/address.ts';
import { enterPrivateNetwork, ip } from '../support/private-network.ts';
import { lacksSctp, sctpClient, sctpServer, startPeer } from '../support/sctp-peers.ts';
import { skipUnless } from '../support/skip.ts';
import { flagsOf, type Launched, launch } from '../support/stand-in.ts';

const [container, container6] = ['10.9.0.2', 'fd09::2'];
const runtime = mkdtempSync(join(tmpdir(), 'gangway-dp-'));
const environment = { GANGWAY_RUNTIME_DIRECTORY: runtime, GANGWAY_STATE_DIRECTORY: join(runtime, 'state') };
const started: Launched[] = [];

registerCompletionHandler(() => {
  for (const { child } of started) child.kill('SIGKILL');
  const pid = switchboard();
  if (pid !== undefined) process.kill(pid, 'SIGKILL');
  rmSync(runtime, { recursive: true, force: true });
  process.exit();
});

test.before(async () => {
  enterPrivateNetwork();
  ip(`address add ${container}/32 dev lo`);
  ip(`address add ${container6}/128 dev lo nodad`);
  const echo = createSocket('udp4');
  echo.on('message', (message, { port, address }) => echo.send(`${message} served`, port, address)).bind(53, container);
  const servers = [container, container6].map((address) =>
    createServer((socket) => socket.on('error', () => {}).end('served')).listen(80, address),
  );
  await Promise.all([once(echo, 'listening'), ...servers.map((server) => once(server, 'listening'))]);
});

/** @param more what differs from tcp 127.0.0.1 to the container's port 80 */
async function start(port: number, more: { words?: readonly string[]; socket?: number } = {}): Promise<Launched> {
  const words = more.words ?? flagsOf('tcp', '127.0.0.1', port, container, 80);
  const launched = await launch(words, environment, more.socket);
  started.push(launched);
  return launched;
}

async function end({ child, ended }: Launched, signal: NodeJS.Signals = 'SIGINT'): Promise<number | null> {
  child.kill(signal);
  return await ended;
}

/** What a client of the port gets: the service's word, or the error's name. */
function ask(port: number, host = '127.0.0.1'): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host, localAddress: host });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(String(error.code)));
    socket.once('data', (data) => resolve(String(data)));
    socket.once('end', () => resolve('nothing'));
  });
}

/** A datagram and its answer, with where the answer came from. */
async function askUdp(port: number, host: string): Promise<string> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const answer = once(socket, 'message');
  await waitFor('the datagram is answered', async () => {
    socket.send('asked', port, host);
    return await Promise.race([answer.then(() => true), new Promise<false>((no) => setTimeout(no, 200, false))]);
  });
  const [message, from] = await answer;
  socket.close();
  return `${message} from ${from.address}`;
}

/** @throws KernelError EADDRINUSE as long as somebody listens */
function bindOnce(port: number): void {
  const socket = openStream(4);
  try {
    bind(socket, { address: parseAddress('127.0.0.1'), port });
  } finally {
    closeSocket(socket);
  }
}

/** Of this test's runtime directory, as the system's processes show it. */
function switchboard(): number | undefined {
  const isIt = (pid: string) => {
    if (!/^\d+$/.test(pid)) return false;
    const words = existsSync(`/proc/${pid}/cmdline`) ? readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0') : [];
    return words.includes('_switchboard') && words.includes(runtime) && identifyProcess(Number(pid)) !== undefined;
  };
  const pid = readdirSync('/proc').find(isIt);
  return pid === undefined ? undefined : Number(pid);
}

async function killSwitchboard(): Promise<void> {
  const pid = switchboard();
  if (pid === undefined) throw new Error('there is no switchboard');
  process.kill(pid, 'SIGKILL');
  await waitFor('the switchboard is dead', () => identifyProcess(pid) === undefined);
}

test.serial(
  'it says 0 when the port is served, closes descriptor 3, and gives the port back before it has ended',
  async (t) => {
    const one = await start(8001);
    t.is(one.said, '0\n');
    t.is(await ask(8001), 'served');
    for (const name of ['docker-proxy.requests', 'docker-proxy.life']) {
      t.is(statSync(join(runtime, name)).mode & 0o777, 0o600);
      t.true(statSync(join(runtime, name)).isFIFO());
    }
    t.is(statSync(runtime).mode & 0o777, 0o700);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      const two = await start(8002);
      t.is(await ask(8002), 'served');
      t.is(await end(two, signal), 0);
      t.notThrows(() => bindOnce(8002), 'free in the same moment');
    }
    t.is(await end(one), 0);
    await waitFor('the switchboard ends with its last port', () => switchboard() === undefined);
    t.is(await end(await start(8002)), 0);
    t.notThrows(() => bindOnce(8002), 'free in the same moment, also by whoever has started a switchboard');
    await waitFor('the switchboard ends with its last port', () => switchboard() === undefined);
    t.deepEqual(
      readdirSync(runtime).filter((name) => name.startsWith('switchboard')),
      ['switchboard.lock'],
    );
  },
);

test.serial('both protocols and both families, and an IPv6 port that leads to IPv4', async (t) => {
  const words = [
    flagsOf('udp', '0.0.0.0', 8053, container, 53),
    flagsOf('tcp', '::1', 8003, container6, 80),
    flagsOf('tcp', '::', 8004, container, 80).map((word) => (word.startsWith('-') ? `-${word}` : word)),
  ];
  const launched = await Promise.all(words.map((each) => start(0, { words: each })));
  t.deepEqual(
    launched.map(({ said }) => said),
    ['0\n', '0\n', '0\n'],
  );
  t.is(await askUdp(8053, '127.0.0.3'), 'asked served from 127.0.0.3');
  t.is(await ask(8003, '::1'), 'served');
  t.is(await ask(8004, '::1'), 'served');
  t.is(await ask(8004), 'ECONNREFUSED', ':: is IPv6 alone, dockerd asks for 0.0.0.0 besides');
  for (const each of launched) t.is(await end(each), 0);
});

test.serial('what cannot be is said behind a 1, and the process ends with 1', async (t) => {
  const holder = createServer().listen(8005, '127.0.0.1');
  await once(holder, 'listening');
  const flags = flagsOf('tcp', '127.0.0.1', 8006, container, 80);
  const kept = await start(8006);
  for (const [words, reason] of [
    [
      flagsOf('tcp', '127.0.0.1', 8005, container, 80),
      /^1\nport 127\.0\.0\.1:8005\/tcp is in use by .*: address already in use$/,
    ],
    [flags, /^1\nport 127\.0\.0\.1:8006\/tcp is in use by container docker-proxy \(pid \d+\): address already in use$/],
    [flagsOf('tcp', '192.0.2.1', 8007, container, 80), /^1\ncannot publish on 192\.0\.2\.1/],
    [flagsOf('tcp', '127.0.0.1', 65536, container, 80), /^1\ninvalid host-port "65536"$/],
    [flags.slice(0, -2), /^1\nflag is missing: -container-port$/],
    [['-x'], /^1\nunknown flag: -x$/],
    [flagsOf('tcp', `127.0.0.1\n${process.pid} 1 serve`, 8007, container, 80), /^1\ninvalid IP address/],
    [flagsOf('tcp', '$(touch /tmp/x)`id`', 8007, container, 80), /^1\ninvalid IP address/],
    [[...flags, '-use-listen-fd'], /^1\ntake descriptor 4 of \d+: EBADF$/],
  ] as const) {
    const { said, ended } = await start(0, { words });
    t.regex(said, reason);
    t.is(await ended, 1);
  }
  t.is(await ask(8006), 'served', 'who was served goes on');
  t.is(await end(kept), 0);
  holder.close();
});

test.serial('a stand-in that is killed takes its port along', async (t) => {
  const [one, two] = [await start(8008), await start(8009)];
  await end(one, 'SIGKILL');
  await waitFor('the port is closed', async () => (await ask(8008)) === 'ECONNREFUSED');
  t.is(await ask(8009), 'served', 'control: and no other');
  const again = await start(8008);
  t.is(again.said, '0\n', 'it can be had again');
  for (const each of [two, again]) t.is(await end(each), 0);
});

test.serial('a bound socket is taken from descriptor 4, and stays open while there is no switchboard', async (t) => {
  const address = parseAddress('127.0.0.1');
  const [stream, datagram] = [openStream(4), openDatagram(4)];
  bind(stream, { address, port: 8010 });
  listen(stream, 100);
  bind(datagram, { address: parseAddress('0.0.0.0'), port: 8011 });
  const bound = ['-use-listen-fd'];
  const tcp = await start(0, {
    words: [...flagsOf('tcp', '127.0.0.1', 8010, container, 80), ...bound],
    socket: stream,
  });
  const udp = await start(0, {
    words: [...flagsOf('udp', '0.0.0.0', 8011, container, 53), ...bound],
    socket: datagram,
  });
  const wrong = await start(0, {
    words: [...flagsOf('tcp', '0.0.0.0', 8011, container, 80), ...bound],
    socket: datagram,
  });
  closeSocket(stream);
  closeSocket(datagram);
  t.deepEqual([tcp.said, udp.said], ['0\n', '0\n']);
  t.is(wrong.said, '1\ninvalid descriptor: not a socket for 0.0.0.0:8011/tcp');
  t.is(await ask(8010), 'served');
  t.is(await askUdp(8011, '127.0.0.2'), 'asked served from 127.0.0.2', 'it answers from where it was asked');
  await killSwitchboard();
  t.is(await ask(8010), 'served', 'whoever comes meanwhile waits, and is not refused');
  t.is(await askUdp(8011, '127.0.0.2'), 'asked served from 127.0.0.2');
  for (const each of [tcp, udp]) t.is(await end(each), 0);
  t.is(await ask(8010), 'ECONNREFUSED');
});

test.serial('a port of SCTP, and one whose socket listens in descriptor 4', async (t) => {
  if (skipUnless(t, lacksSctp())) return;
  const server = startPeer(sctpServer(container, 2905, { name: true, end: 'close' }));
  await server.next();
  const socket = openStream(4, 'sctp');
  bind(socket, { address: parseAddress('127.0.0.1'), port: 8013 });
  listen(socket, 100);
  const flags = (port: number) => flagsOf('sctp', '127.0.0.1', port, container, 2905);
  const own = await start(0, { words: flags(8012) });
  const handed = await start(0, { words: [...flags(8013), '-use-listen-fd'], socket });
  closeSocket(socket);
  t.deepEqual([own.said, handed.said], ['0\n', '0\n']);
  for (const port of [8012, 8013])
    t.like(await startPeer(sctpClient('127.0.0.1', port, [['receive'], ['close']])).next(), { text: container });
  for (const each of [own, handed]) t.is(await end(each), 0);
  t.like(await startPeer(sctpClient('127.0.0.1', 8013, [])).next(), { error: 'ECONNREFUSED' });
  server.child.kill('SIGKILL');
});

test.serial('where the kernel has no SCTP, that is said', async (t) => {
  if (skipUnless(t, lacksSctp() === undefined ? 'this kernel has SCTP' : undefined)) return;
  const { said, ended } = await start(0, { words: flagsOf('sctp', '127.0.0.1', 8007, container, 80) });
  t.is(said, '1\ncannot publish port 127.0.0.1:8007/sctp: the kernel has no SCTP (Protocol not supported)');
  t.is(await ended, 1);
});

test.serial('a switchboard that is killed comes back with all its ports, by itself and once', async (t) => {
  const ports = Array.from({ length: 12 }, (_, index) => 8020 + index);
  const launched = await Promise.all(ports.map((port) => start(port)));
  t.true(launched.every(({ said }) => said === '0\n'));
  for (let time = 0; time < 2; time++) {
    await killSwitchboard();
    await waitFor('all ports are served again', async () => {
      const words = await Promise.all(ports.map((port) => ask(port)));
      return words.every((word) => word === 'served');
    });
  }
  await killSwitchboard();
  t.deepEqual(
    await Promise.all(launched.map((each) => end(each))),
    ports.map(() => 0),
    'they can be ended at once, too',
  );
  await waitFor('nothing is served', () => switchboard() === undefined);
});

test.serial('no record knows of it, and whoever reads the records leaves it alone', async (t) => {
  const one = await start(8042);
  const connection = await findSwitchboard(runtime);
  const { owners = [] } = (await connection?.refresh()) ?? {};
  t.like(owners, [{ name: `docker-proxy (pid ${one.child.pid})`, state: 'serving', ports: ['127.0.0.1:8042/tcp'] }]);
  await connection?.close();
  t.is(await ask(8042), 'served');
  t.is(await end(one), 0);
});

test.serial('who is no stand-in can’t be made one', async (t) => {
  const one = await start(8040);
  const requests = join(runtime, 'docker-proxy.requests');
  // This very process, to which a signal would be the end; a stand-in of another birth; nobody; no request at all.
  const own = `${process.pid} ${identifyProcess(process.pid)?.startTime}`;
  for (const line of [
    `${own} serve`,
    `${own} leave`,
    `${one.child.pid} 1 leave`,
    '0 0 serve',
    '-1 1 leave',
    'x'.repeat(5000),
  ])
    writeFileSync(requests, `${line}\n`, { flag: 'r+' });
  t.is((await start(8041)).said, '0\n', 'it has read them by now');
  t.is(await ask(8040), 'served');
  t.is(await end(one), 0);
});
