// A switchboard whose socket somebody else has made, as systemd does: it listens, starts one for who connects, and listens on.
//
//     client ── switchboard.sock ── listener (this test) ── descriptor 3 ──> switchboard
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { SwitchboardClient } from '../../src/engine/switchboard/client.ts';
import type { SwitchboardConnection } from '../../src/engine/switchboard/connection.ts';
import { findSwitchboard, openSwitchboard, type SwitchboardOptions } from '../../src/engine/switchboard/launch.ts';
import { encodePublication } from '../../src/engine/switchboard/protocol.ts';
import { waitFor } from '../../src/lab/wait.ts';
import { listenAt } from '../../src/sys/unix-listener.ts';
import { parseAddress } from '../../src/values/address.ts';
import { gather } from '../../src/values/forward-set.ts';
import { enterPrivateNetwork } from '../support/private-network.ts';
import { testProgram } from '../support/program.ts';

test.before(() => enterPrivateNetwork());

interface Activated {
  readonly child: ChildProcess;
  /** Its exit status, and the signal that ended it. */
  readonly ended: Promise<unknown[]>;
  readonly connection: SwitchboardConnection;
}

/** A directory with a listening socket in it, and what starts a switchboard on that. */
class Activation implements AsyncDisposable {
  readonly options: SwitchboardOptions;
  readonly #children: ChildProcess[] = [];
  #listener: number | undefined;

  constructor() {
    const runtimeDirectory = mkdtempSync(join(tmpdir(), 'gangway-passed-'));
    this.options = { runtimeDirectory, command: [...testProgram('switchboard-main'), runtimeDirectory] };
  }

  path(name: string): string {
    return join(this.options.runtimeDirectory, name);
  }

  /** Of system calls, since Node would accept who comes. */
  listen(mode = 0o600): void {
    const path = this.path('switchboard.sock');
    rmSync(path, { force: true });
    this.#listener = listenAt(path);
    chmodSync(path, mode);
  }

  /** The descriptor is passed as systemd does; this one goes on listening, and accepts nobody. */
  start(descriptor = this.#listener): ChildProcess {
    const words = 'LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=switchboard exec "$@"';
    const child = spawn('sh', ['-c', words, 'sh', ...this.options.command], {
      stdio: ['ignore', 'pipe', 'pipe', descriptor],
    });
    this.#children.push(child);
    return child;
  }

  /** Somebody connects, and one is started for him. It may end before anybody asks how. */
  async activate(): Promise<Activated> {
    const coming = openSwitchboard(this.options);
    const child = this.start();
    const ended = once(child, 'exit');
    return { child, ended, connection: await coming };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL');
    if (this.#listener !== undefined) closeSync(this.#listener);
    rmSync(this.options.runtimeDirectory, { recursive: true });
  }
}

const address = parseAddress('127.0.0.1');
const publication = {
  owner: 'c1',
  name: 'web',
  forwards: gather([
    { binding: { protocol: 'tcp', hostAddress: address, hostPort: 8001, containerPort: 80 }, target: address },
  ]),
};

test.serial(
  'a client that came first is heard; the socket stays when the switchboard ends, and the next one takes it',
  async (t) => {
    await using place = new Activation();
    place.listen();
    const { ino } = statSync(place.path('switchboard.sock'));
    const sockets = new SwitchboardClient(place.options);
    t.false(sockets.isRunning());
    t.is(await findSwitchboard(place.options.runtimeDirectory), undefined, 'who only looks starts none');
    sockets.removeLeftovers();
    t.true(existsSync(place.path('switchboard.sock')), 'a socket on which somebody listens is no leftover');
    for (const round of ['first', 'second']) {
      const { child, ended, connection } = await place.activate();
      t.is((await connection.status()).pid, Number(child.pid), round);
      t.true(sockets.isRunning());
      await connection.close();
      t.deepEqual(await ended, [0, null], 'it has nothing to serve');
      t.deepEqual(readdirSync(place.options.runtimeDirectory).sort(), ['switchboard.lock', 'switchboard.sock']);
      t.is(statSync(place.path('switchboard.sock')).ino, ino);
    }
  },
);

test.serial('one that was killed is followed by one that serves what the records say', async (t) => {
  await using place = new Activation();
  place.listen();
  const { child: killed, ended, connection } = await place.activate();
  await connection.reserve(publication);
  await connection.serve('c1');
  killed.kill('SIGKILL');
  await ended;
  writeFileSync(place.path('records.json'), JSON.stringify([encodePublication(publication)]));
  const sockets = new SwitchboardClient(place.options);
  t.true(sockets.isRunning(), 'it was killed');
  sockets.removeLeftovers();
  t.deepEqual(readdirSync(place.options.runtimeDirectory).sort(), [
    'records.json',
    'switchboard.lock',
    'switchboard.sock',
  ]);
  const next = place.start();
  const { owners, pid } = await sockets.refresh();
  t.is(pid, Number(next.pid));
  t.like(owners, [{ owner: 'c1', state: 'serving' }]);
});

test.serial('no second one is started beside it by hand', async (t) => {
  await using place = new Activation();
  place.listen();
  const [program = '', ...words] = place.options.command;
  const second = spawn(program, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [[said], ended] = await Promise.all([once(second.stdout, 'data'), once(second, 'exit')]);
  t.is(String(said), 'busy\n');
  t.deepEqual(ended, [0, null]);
  t.true(existsSync(place.path('switchboard.sock')));
});

test.serial('one that a command had started gives way when its socket is replaced', async (t) => {
  await using place = new Activation();
  const before = await openSwitchboard(place.options);
  const { pid } = await before.status();
  await before.reserve(publication);
  await before.serve('c1');
  place.listen();
  const child = place.start();
  const after = await openSwitchboard(place.options);
  t.is((await after.status()).pid, Number(child.pid));
  await waitFor('the one before has ended', () => !existsSync(`/proc/${pid}/exe`));
  await after.reserve(publication);
  await after.serve('c1');
  const client = connect(8001, '127.0.0.1').on('error', () => {});
  await once(client, 'connect');
  client.destroy();
});

test.serial('who listens and says nothing is waited for, but not for ever', async (t) => {
  await using place = new Activation();
  place.listen();
  await t.throwsAsync(openSwitchboard({ ...place.options, timeoutMilliseconds: 300 }), {
    message: /^who listens at \S+ says nothing for \d+ ms$/,
  });
});

test.serial('a socket to which others may connect is refused', async (t) => {
  await using place = new Activation();
  place.listen(0o666);
  const child = place.start();
  let said = '';
  child.stderr?.on('data', (text) => {
    said += text;
  });
  const [code] = await once(child, 'close');
  t.is(code, 1);
  t.regex(said, /whoever may connect to \S+ may publish/);
  t.false(existsSync(place.path('metrics.sock')));
});

test.serial('another socket than the one that stands there is refused, to which anybody may connect', async (t) => {
  await using place = new Activation();
  place.listen();
  const other = listenAt(place.path('other.sock'));
  const child = place.start(other);
  closeSync(other);
  const [code] = await once(child, 'close');
  t.is(code, 1);
  t.false(existsSync(place.path('metrics.sock')));
});

test.serial('the passed socket is not passed on', async (t) => {
  await using place = new Activation();
  place.listen();
  const { child, connection } = await place.activate();
  // What it starts gets its standard descriptors alone: the passed one closes when a program is executed.
  const flags = (fd: string) => /^flags:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/fdinfo/${fd}`, 'latin1'))?.[1];
  t.is(Number.parseInt(flags('3') ?? '', 8) & 0o2000000, 0o2000000);
  await connection.close();
});
