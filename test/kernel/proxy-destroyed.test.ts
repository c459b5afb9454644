/**
 * Destroyed listeners of published ports: `ss -K` by root, or by a container with --network host and NET_ADMIN. The relay is a
 * process of its own.
 */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import test, { registerCompletionHandler } from 'ava';
import { waitFor } from '../../src/lab/wait.ts';
import { container, startEchoContainer } from '../support/echo-container.ts';
import { startRelayProcess } from '../support/relay-process.ts';
import { skipUnless } from '../support/skip.ts';

let port = 8000;
let echoPort = 0;

registerCompletionHandler(() => {
  process.exit();
});

test.before(async () => {
  echoPort = await startEchoContainer();
});

/** A connection on which a word has come back. */
async function echoed(hostPort: number): Promise<Socket> {
  const socket = connect(hostPort, '127.0.0.1');
  socket.write('hello');
  await once(socket, 'data');
  return socket.on('error', () => {});
}

function listens(hostPort: number): boolean {
  return spawnSync('ss', ['-Hltn', `sport = :${hostPort}`], { encoding: 'utf8' }).stdout !== '';
}

/** @returns whether the kernel can do it (CONFIG_INET_DIAG_DESTROY) */
function destroyListener(hostPort: number): boolean {
  const { stdout } = spawnSync('ss', ['--kill', '-Hltn', `sport = :${hostPort}`], { encoding: 'utf8' });
  return stdout !== '';
}

test('listens again when the listener is destroyed, twice, and keeps connections', async (t) => {
  const hostPort = ++port;
  const relay = await startRelayProcess({ hostPort, target: container, targetPort: echoPort });
  const early = await echoed(hostPort);
  for (let time = 0; time < 2; time++) {
    if (skipUnless(t, destroyListener(hostPort) ? undefined : 'this kernel destroys no sockets')) return;
    await waitFor('it listens', () => listens(hostPort));
    (await echoed(hostPort)).destroy();
  }
  early.write('still there?');
  const [answer] = (await once(early, 'data')) as [Buffer];
  t.is(String(answer), 'still there?');
  early.destroy();
  relay.kill('SIGKILL');
});
