import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { registerCompletionHandler } from 'ava';
import { SwitchboardClient } from '../../src/engine/switchboard/client.ts';
import type { SwitchboardConnection } from '../../src/engine/switchboard/connection.ts';
import { findSwitchboard, openSwitchboard, type SwitchboardOptions } from '../../src/engine/switchboard/launch.ts';
import { encodePublication, type Publication, protocolVersion } from '../../src/engine/switchboard/protocol.ts';
import { isListening } from '../../src/kernel/unix-listeners.ts';
import { waitFor } from '../../src/lab/wait.ts';
import { call } from '../../src/sys/libc.ts';
import { AF_UNIX } from '../../src/sys/unix-address.ts';
import { parseAddress } from '../../src/values/address.ts';
import { gather, spread } from '../../src/values/forward-set.ts';
import { enterPrivateNetwork, ip } from '../support/private-network.ts';
import { testProgram } from '../support/program.ts';

const container = '10.9.0.2';
const directories: string[] = [];
const pids = new Set<number>();

registerCompletionHandler(() => {
  for (const pid of pids) if (isRunning(pid)) process.kill(pid, 'SIGKILL');
  for (const directory of directories) rmSync(directory, { recursive: true });
  process.exit();
});

test.before(async () => {
  enterPrivateNetwork();
  ip(`address add ${container}/32 dev lo`);
  const server = createServer((socket) => socket.end('served')).listen(80, container);
  const echo = createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(7, container);
  await Promise.all([once(server, 'listening'), once(echo, 'listening')]);
});

function place(): SwitchboardOptions {
  const runtimeDirectory = mkdtempSync(join(tmpdir(), 'gangway-switchboard-'));
  directories.push(runtimeDirectory);
  return { runtimeDirectory, command: [...testProgram('switchboard-main'), runtimeDirectory] };
}

function publication(owner: string, ...ports: readonly number[]): Publication {
  const target = parseAddress(container);
  const hostAddress = parseAddress('127.0.0.1');
  return {
    owner,
    name: `name-of-${owner}`,
    forwards: gather(
      ports.map((hostPort) => ({
        binding: { protocol: 'tcp', hostAddress, hostPort, containerPort: 80 },
        target,
      })),
    ),
  };
}

function echoing(hostPort: number): Publication['forwards'][number] {
  const [target, hostAddress] = [parseAddress(container), parseAddress('127.0.0.1')];
  return { protocol: 'tcp', hostAddress, target, ports: [{ hostPort, containerPort: 7, count: 1 }] };
}

function record({ runtimeDirectory }: SwitchboardOptions, ...publications: readonly Publication[]): void {
  writeFileSync(join(runtimeDirectory, 'records.json'), JSON.stringify(publications.map(encodePublication)));
}

/** What a client of the port gets: the service's word, or the error's name. */
function ask(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(String(error.code)));
    socket.once('data', (data) => resolve(String(data)));
  });
}

async function pidOf(connection: SwitchboardConnection): Promise<number> {
  const { pid } = await connection.status();
  pids.add(pid);
  return pid;
}

function isRunning(pid: number): boolean {
  return existsSync(`/proc/${pid}/exe`) && !/\) Z /.test(String(spawnSync('cat', [`/proc/${pid}/stat`]).stdout));
}

async function kill(pid: number): Promise<void> {
  process.kill(pid, 'SIGKILL');
  await waitFor('it has ended', () => !isRunning(pid));
}

test.serial('started on demand, it serves what was reserved, and ends with its last owner', async (t) => {
  const options = place();
  t.is(await findSwitchboard(options.runtimeDirectory), undefined);
  const sockets = new SwitchboardClient(options);
  const { forwards, name } = publication('c1', 8001);
  const begun = performance.now();
  await sockets.reserve('c1', spread(forwards), name);
  t.log(`from nothing to reserved in ${(performance.now() - begun).toFixed(0)} ms`);
  t.is(statSync(join(options.runtimeDirectory, 'switchboard.sock')).mode & 0o777, 0o600);
  await sockets.serve('c1');
  t.is(await ask(8001), 'served');
  const connection = await openSwitchboard(options);
  const pid = await pidOf(connection);
  t.like((await connection.status()).owners, [{ owner: 'c1', state: 'serving', ports: ['127.0.0.1:8001/tcp'] }]);
  await connection.close();
  await sockets.withdraw('c1');
  t.is(await ask(8001), 'ECONNREFUSED');
  // The port is free. Whoever carried it is told behind the answer, and the process ends with that.
  await waitFor('it has ended', () => !isRunning(pid));
  t.deepEqual(readdirSync(options.runtimeDirectory), ['switchboard.lock']);
  await sockets.withdraw('c1');
});

test.serial('it is deaf between reserving and serving', async (t) => {
  const options = place();
  const connection = await openSwitchboard(options);
  await pidOf(connection);
  await connection.reserve(publication('c1', 8002));
  const answer = ask(8002);
  t.is(await Promise.race([answer, delay(100).then(() => 'silence')]), 'silence');
  await connection.serve('c1');
  t.is(await answer, 'served');
  await connection.withdraw('c1');
  await connection.close();
});

test.serial('a port in use is named by its container, or by the program and its pid', async (t) => {
  const options = place();
  const connection = await openSwitchboard(options);
  await pidOf(connection);
  await connection.reserve(publication('c1', 8003));
  t.like(await t.throwsAsync(connection.reserve(publication('c2', 8004, 8003))), {
    message: 'port 127.0.0.1:8003/tcp is in use by container name-of-c1',
    subject: '127.0.0.1:8003/tcp',
  });
  const holder = createServer().listen(8010, '127.0.0.1');
  await once(holder, 'listening');
  await t.throwsAsync(connection.reserve(publication('c2', 8004, 8010)), {
    message: new RegExp(`^port 127.0.0.1:8010/tcp is in use by .+ \\(pid ${process.pid}\\)$`),
  });
  holder.close();
  t.is(await ask(8004), 'ECONNREFUSED');
  await connection.close();
});

test.serial('a client that is killed half-way gives back what it had reserved', async (t) => {
  const options = place();
  const [program, ...parameters] = testProgram('switchboard-client');
  const client = spawn(program, [...parameters, JSON.stringify(options), '8005'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(client.stdout, 'data');
  const connection = await openSwitchboard(options);
  const pid = await pidOf(connection);
  t.like((await connection.status()).owners, [{ owner: 'c1', state: 'reserved' }]);
  client.kill('SIGKILL');
  await waitFor('nothing is reserved', async () => (await connection.status()).owners.length === 0);
  t.is(await ask(8005), 'ECONNREFUSED');
  await connection.close();
  await waitFor('it has ended', () => !isRunning(pid));
});

test.serial('killed, it is started again by the next client, and serves what the records say', async (t) => {
  const options = place();
  const first = await openSwitchboard(options);
  const pid = await pidOf(first);
  await first.reserve(publication('c1', 8006, 8007));
  await first.serve('c1');
  record(options, publication('c1', 8006, 8007), publication('c2', 8008));
  await kill(pid);
  await waitFor('nobody listens', async () => (await ask(8006)) === 'ECONNREFUSED');
  const stale = ['switchboard.sock', 'metrics.sock'].map((name) => existsSync(join(options.runtimeDirectory, name)));
  t.deepEqual(stale, [true, true], 'stale sockets');
  const thief = spawn('socat', ['TCP4-LISTEN:8008,fork,reuseaddr', 'PIPE']);
  await waitFor(
    'somebody listens',
    () => spawnSync('ss', ['-Hltn', 'sport = :8008'], { encoding: 'utf8' }).stdout !== '',
  );
  const second = await openSwitchboard(options);
  t.not(await pidOf(second), pid);
  t.deepEqual([await ask(8006), await ask(8007)], ['served', 'served']);
  const [, failed] = (await second.status()).owners;
  t.like(failed, {
    owner: 'c2',
    state: 'failed',
    reason: `port 127.0.0.1:8008/tcp is in use by socat (pid ${thief.pid})`,
  });
  await second.reserve(publication('c2', 8010));
  await second.serve('c2');
  t.like(
    (await second.status()).owners[1],
    { owner: 'c2', state: 'failed' },
    'another port of its own changes nothing',
  );
  thief.kill('SIGKILL');
  await once(thief, 'exit');
  record(options, publication('c2', 8008));
  const { owners } = await second.refresh();
  t.like(owners, [{ owner: 'c2', state: 'serving' }]);
  t.deepEqual([await ask(8006), await ask(8008)], ['ECONNREFUSED', 'served']);
  await second.withdraw('c2');
  await second.close();
});

test.serial('killed, it is started again, whatever a stranger has written into the list of who listens', async (t) => {
  const options = place();
  const first = await openSwitchboard(options);
  await kill(await pidOf(first));
  const path = join(options.runtimeDirectory, 'switchboard.sock');
  t.true(existsSync(path));
  // No more than a name is needed, and any user may bind it.
  const stranger = call('open a socket', 'int socket(int, int, int)', AF_UNIX, 1, 0);
  const name = Buffer.from(`\0\0\0\n0: 0 0 00010000 0 0 1 ${path}`);
  name.writeUInt16LE(AF_UNIX);
  call('bind', 'int bind(int, const void *, unsigned int)', stranger, name, name.length);
  t.true(isListening(path), 'it is believed there');
  const second = await openSwitchboard(options);
  t.true(second.isOpen);
  closeSync(stranger);
  process.kill(await pidOf(second), 'SIGTERM');
});

test.serial('further ports are reserved beside those that are served, and given back without them', async (t) => {
  const options = place();
  const connection = await openSwitchboard(options);
  await pidOf(connection);
  await connection.reserve(publication('c1', 8020));
  await connection.serve('c1');
  record(options, publication('c1', 8020));
  await t.throwsAsync(connection.reserve(publication('c1', 8021, 8020)), {
    message: 'port 127.0.0.1:8020/tcp is in use by container name-of-c1',
  });
  await connection.reserve(publication('c1', 8021));
  await connection.refresh();
  t.like((await connection.status()).owners, [
    { state: 'reserved', ports: ['127.0.0.1:8021/tcp'] },
    { state: 'serving', ports: ['127.0.0.1:8020/tcp'] },
  ]);
  await connection.close();
  t.deepEqual([await ask(8020), await ask(8021)], ['served', 'ECONNREFUSED']);
  const again = await openSwitchboard(options);
  await again.reserve(publication('c1', 8021));
  await again.serve('c1');
  t.deepEqual([await ask(8020), await ask(8021)], ['served', 'served']);
  t.like((await again.status()).owners, [{ ports: ['127.0.0.1:8020/tcp', '127.0.0.1:8021/tcp'] }]);
  record(options);
  await again.refresh();
  await again.close();
});

test.serial(
  'ports come and go one by one: the others notice nothing, and who came in by one that goes is cut off',
  async (t) => {
    const options = place();
    const [stays, goes] = [echoing(8022), echoing(8023)];
    record(options, { owner: 'c1', name: 'web', forwards: [stays, goes] });
    const connection = await openSwitchboard(options);
    await pidOf(connection);
    const [first, second] = [connect(8022, '127.0.0.1'), connect(8023, '127.0.0.1')];
    const said = async (client: typeof first, word: string) => {
      client.write(word);
      return String((await once(client, 'data'))[0]);
    };
    const cut = (client: typeof first) => once(client, 'error').then(([error]) => error.code);
    t.deepEqual([await said(first, 'before'), await said(second, 'before')], ['before', 'before']);
    const [firstEnds, secondEnds] = [cut(first), cut(second)];
    record(options, { owner: 'c1', name: 'web', forwards: [stays, echoing(8024)] });
    t.like((await connection.refresh()).owners, [{ state: 'serving', clients: 1 }]);
    t.is(await secondEnds, 'ECONNRESET');
    t.is(await said(first, 'after'), 'after');
    t.is(await ask(8023), 'ECONNREFUSED');
    record(options, { owner: 'c1', name: 'web', forwards: [] });
    t.deepEqual((await connection.refresh()).owners, []);
    t.is(await firstEnds, 'ECONNRESET');
    await connection.close();
  },
);

test.serial(
  'a port taken in the middle of a range: nothing of it is served, and all of it as soon as it is free',
  async (t) => {
    const options = place();
    const range = Array.from({ length: 9 }, (_, index) => 8100 + index);
    const thief = createServer().listen(8104, '127.0.0.1');
    await once(thief, 'listening');
    record(options, publication('c1', ...range));
    const connection = await openSwitchboard(options);
    const pid = await pidOf(connection);
    const listening = () =>
      spawnSync('ss', ['-Hltnp', 'sport >= :8100 and sport <= :8108'], { encoding: 'utf8' }).stdout;
    for (let round = 0; round < 3; round++) {
      const { owners } = await connection.refresh();
      t.is(owners.length, 1);
      t.like(owners, [{ owner: 'c1', state: 'failed' }]);
      t.regex(owners[0]?.reason ?? '', /^port 127\.0\.0\.1:8104\/tcp is in use by .* \(pid \d+\)$/);
      t.false(listening().includes(`pid=${pid},`));
    }
    await t.throwsAsync(connection.reserve(publication('c2', ...range)), { message: /8104/ });
    t.false(listening().includes(`pid=${pid},`));
    thief.close();
    t.like((await connection.refresh()).owners, [{ owner: 'c1', state: 'serving' }]);
    t.deepEqual(
      await Promise.all(range.map(ask)),
      range.map(() => 'served'),
    );
    await connection.withdraw('c1');
    await connection.close();
  },
);

test.serial('more ports than open files: one sentence, and nothing is bound', async (t) => {
  const plain = place();
  const limited = ['setpriv', '--bounding-set=-sys_resource', 'prlimit', '--nofile=300'] as const;
  const options = { ...plain, command: [...limited, ...plain.command] as const };
  const connection = await openSwitchboard(options);
  const pid = await pidOf(connection);
  const open = () => readdirSync(`/proc/${pid}/fd`).length;
  const before = open();
  const ports = Array.from({ length: 300 }, (_, index) => 30_000 + index);
  const error = await t.throwsAsync(connection.reserve(publication('c1', ...ports)), { code: 'not-supported' });
  t.is(open(), before);
  const [, room] =
    /^300 published ports need an open file each, and the limit of open files, 300, has room for (\d+)$/.exec(
      error?.message ?? '',
    ) ?? [];
  await t.throwsAsync(connection.requireRoom(300), { message: error?.message ?? '' });
  const needed = 300 + 300 - Number(room);
  const service = `in a service by LimitNOFILE=${needed}`;
  t.like(error, {
    hint: `publish fewer ports, or start gangway where \`ulimit -Hn\` says ${needed} or more, ${service}`,
  });
  await connection.reserve(publication('c1', ...ports.slice(0, Number(room))));
  await connection.serve('c1');
  // With every port taken that may be, there is still room for clients.
  const last = 30_000 + Number(room) - 1;
  t.deepEqual(await Promise.all(Array.from({ length: 20 }, () => ask(last))), Array(20).fill('served'));
  await connection.withdraw('c1');
  await connection.close();
});

test.serial('two clients that start it at once share one, and what is learned is of one at a time', async (t) => {
  const options = place();
  const learned = join(options.runtimeDirectory, 'learned');
  writeFileSync(learned, '');
  const connections = await Promise.all([openSwitchboard(options), openSwitchboard(options), openSwitchboard(options)]);
  const found = new Set(await Promise.all(connections.map(pidOf)));
  t.is(found.size, 1);
  await Promise.all(connections.map((connection) => connection.close()));
  // It is just ending: the next client gets another one, every time.
  let last = 0;
  for (let round = 0; round < 3; round++) {
    const connection = await openSwitchboard(options);
    last = await pidOf(connection);
    await connection.close();
  }
  await waitFor('the last one has ended', () => !isRunning(last));
  t.regex(readFileSync(learned, 'utf8'), /^(begin locked\nclose locked\n){2,4}$/);
});

test.serial('what it said before it died is in the error', async (t) => {
  const options = place();
  writeFileSync(join(options.runtimeDirectory, 'records.json'), '{torn');
  await t.throwsAsync(openSwitchboard(options), { message: /^the switchboard did not start: .*JSON/s });
  await t.throwsAsync(openSwitchboard({ ...options, command: ['/nonexistent'] }), { message: /ENOENT/ });
});

test.serial('a client of another version, or of no sense, is told so', async (t) => {
  const options = place();
  const connection = await openSwitchboard(options);
  const pid = await pidOf(connection);
  const raw = connect(join(options.runtimeDirectory, 'switchboard.sock')).setEncoding('utf8');
  raw.write('{"version":99,"request":"withdraw","owner":"c1"}\n');
  t.like(JSON.parse(String(await once(raw, 'data'))), {
    ok: false,
    error: {
      code: 'switchboard-unreachable',
      hint: `end it with \`kill ${pid}\`: the next command starts the new one, and ports are served again`,
    },
  });
  raw.write(`${JSON.stringify({ version: protocolVersion, request: 'dance' })}\n`);
  t.like(JSON.parse(String(await once(raw, 'data'))), {
    ok: false,
    error: { code: 'program-failed', message: 'switchboard: unknown request: dance' },
  });
  raw.write('nonsense\n');
  t.like(JSON.parse(String(await once(raw, 'data'))), { ok: false });
  raw.end();
  await connection.close();
});

test.serial('SIGTERM ends it in order', async (t) => {
  const options = place();
  const connection = await openSwitchboard(options);
  const pid = await pidOf(connection);
  await connection.reserve(publication('c1', 8009));
  await connection.serve('c1');
  process.kill(pid, 'SIGTERM');
  await waitFor('its socket has gone', () => !existsSync(join(options.runtimeDirectory, 'switchboard.sock')));
  await connection.close();
  await waitFor('it has ended', () => !isRunning(pid));
  t.is(await ask(8009), 'ECONNREFUSED');
});

test.serial('1,000 ports in one process', async (t) => {
  const options = place();
  const connection = await openSwitchboard(options);
  const pid = await pidOf(connection);
  const many = publication('c1', ...Array.from({ length: 1000 }, (_, index) => 20_000 + index));
  const begun = performance.now();
  await connection.reserve(many);
  await connection.serve('c1');
  t.log(`reserved and served in ${(performance.now() - begun).toFixed(0)} ms`);
  t.is(await ask(20_999), 'served');
  const memory = String(spawnSync('grep', ['Pss:', `/proc/${pid}/smaps_rollup`]).stdout);
  t.log(memory.trim());
  await connection.withdraw('c1');
  await connection.close();
});
