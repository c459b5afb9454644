/**
 * A client that vanishes: no FIN comes of it, and no RST, on everything that carries published ports.
 *
 *     a client ── nft drops all of it ──┐
 *                                       ├── 127.0.0.1 │ a relay in a process of its own │ ── 10.9.0.2, which echoes
 *     another ──────────────────────────┘
 *
 * The kernel finds out by asking into the silence. So `ss` is asked whether both of the relay's sockets are going to, and the sockets
 * themselves when, and how often, until they give up. In the long form that is waited for: two minutes and a half.
 */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import test, { registerCompletionHandler } from 'ava';
import { waitFor } from '../../src/lab/wait.ts';
import { call } from '../../src/sys/libc.ts';
import { HeldProcess } from '../../src/sys/pidfd.ts';
import { isLong } from '../support/long.ts';
import { enterPrivateNetwork, ip } from '../support/private-network.ts';
import { startRelayProcess } from '../support/relay-process.ts';

const container = '10.9.0.2';
const TCP = 6;
/** Options of TCP: the silence before the first question, the time between two, and how many stay without an answer. */
const [TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT] = [4, 5, 6];
/** Until the last question, and then some, on a busy machine. */
const patience = { timeoutMilliseconds: 240_000 };
let port = 8000;

registerCompletionHandler(() => {
  process.exit();
});

test.before(() => {
  enterPrivateNetwork();
  ip(`address add ${container}/32 dev lo`);
});

interface Echo {
  readonly port: number;
  /** The relay's own ports of the connections that it has, the last one last. */
  readonly clients: ReadonlySet<number | undefined>;
}

async function startEcho(): Promise<Echo> {
  const clients = new Set<number | undefined>();
  const server = createServer((socket) => {
    const { remotePort } = socket;
    clients.add(remotePort);
    socket
      .on('error', () => {})
      .on('close', () => clients.delete(remotePort))
      .pipe(socket);
  }).listen(0, container);
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, clients };
}

/** A connection on which a word has come back. */
async function served(hostPort: number): Promise<Socket> {
  const socket = connect(hostPort, '127.0.0.1').on('error', () => {});
  await echoed(socket);
  return socket;
}

async function echoed(socket: Socket): Promise<void> {
  socket.write('hello');
  await once(socket, 'data', { signal: AbortSignal.timeout(30_000) });
}

/** Nothing that the client says arrives, and nothing that is said to it. */
function vanish({ localPort }: Socket): void {
  const rules = ['sport', 'dport'].map((end) => `tcp ${end} ${localPort} drop`).join('; ');
  const table = `table inet vanished${localPort} { chain input { type filter hook input priority 0; ${rules}; }; }`;
  const { status, stderr } = spawnSync('/usr/sbin/nft', [table], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}

/** The relay's own end of a connection, as `ss` shows it: nothing when it is gone. */
function shown(filter: string): string {
  return spawnSync('ss', ['-Htnpo', filter], { encoding: 'utf8' }).stdout;
}

/** Of the process that has the socket that `ss` shows: what the kernel says of one like it. */
function asked(line: string): Readonly<Record<'idleSeconds' | 'intervalSeconds' | 'count', number>> {
  const [, pid, fd] = /pid=(\d+),fd=(\d+)/.exec(line) ?? [];
  const holder = HeldProcess.hold(Number(pid));
  if (holder === undefined) throw new Error(`nobody has ${line}`);
  const copy = holder.takeDescriptor(Number(fd));
  try {
    const [idleSeconds = 0, intervalSeconds = 0, count = 0] = [TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT].map(
      (option) => {
        const value = Buffer.alloc(4);
        const prototype = 'int getsockopt(int fd, int level, int option, void *value, void *length)';
        call('get socket option', prototype, copy, TCP, option, value, Uint8Array.of(4, 0, 0, 0));
        return value.readInt32LE();
      },
    );
    return { idleSeconds, intervalSeconds, count };
  } finally {
    closeSync(copy);
    holder.close();
  }
}

test('probes a client that vanishes after 15 seconds, every 15 seconds, and gives up', async (t) => {
  t.timeout(300_000);
  const [hostPort, echo] = [++port, await startEcho()];
  const relay = await startRelayProcess({ hostPort, target: container, targetPort: echo.port });
  const gone = await served(hostPort);
  const [backend] = echo.clients;
  const other = await served(hostPort);
  const ends = [`sport = :${hostPort} and dport = :${gone.localPort}`, `sport = :${backend} and dport = :${echo.port}`];
  await waitFor('all is acknowledged', () => ends.every((end) => /timer:\(keepalive/.test(shown(end))));
  for (const end of ends) {
    const [, seconds] = /timer:\(keepalive,(\d+)sec/.exec(shown(end)) ?? [];
    t.true(Number(seconds) <= 15, shown(end));
    t.deepEqual(asked(shown(end)), { idleSeconds: 15, intervalSeconds: 15, count: 9 });
  }
  vanish(gone);
  if (isLong) {
    const begun = performance.now();
    await waitFor('both of its sockets are gone', () => ends.every((end) => shown(end) === ''), patience);
    await waitFor('the container has heard of it', () => !echo.clients.has(backend));
    t.log(`given up after ${((performance.now() - begun) / 1000).toFixed(0)} seconds`);
  }
  t.is(echo.clients.has(backend), !isLong);
  await echoed(other);
  for (const socket of [gone, other]) socket.destroy();
  relay.kill('SIGKILL');
});
