import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { waitFor } from '../../src/lab/wait.ts';
import { exitScript } from '../../src/services/process/exit-hook.ts';
import { ignoring } from '../../src/values/errors.ts';

function directoryWithLock(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'gangway-exit-'));
  writeFileSync(join(directory, 'lock'), '');
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

const words = (directory: string) => ['-c', exitScript, 'gangway', directory, 'echo', 'cleaned', 'up'];

/** A client that is attached: it holds the lock until it is killed. */
async function attachedClient(directory: string): Promise<ChildProcess> {
  const client = spawn('flock', ['--no-fork', join(directory, 'lock'), 'sh', '-c', 'echo; exec sleep 60'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(client.stdout, 'data');
  return client;
}

function exitCommand(directory: string): { readonly child: ChildProcess; readonly output: Promise<string> } {
  const child = spawn('sh', words(directory), { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  return { child, output: once(child, 'close').then(() => text) };
}

/** Waits until the exit command's flock(1) stands in line. @see proc_locks(5) */
function standsInLine({ pid }: ChildProcess): Promise<void> {
  return waitFor('the exit command waits for the lock', () => {
    const waiting = readFileSync('/proc/locks', 'latin1').matchAll(/-> FLOCK +ADVISORY +WRITE +(\d+)/g);
    return [...waiting].some(([, waiter]) => parentOf(waiter ?? '') === pid);
  });
}

function parentOf(pid: string): number {
  const status = ignoring(['ENOENT', 'ESRCH'], () => readFileSync(`/proc/${pid}/status`, 'latin1')) ?? '';
  return Number(/^PPid:\t(\d+)/m.exec(status)?.[1]);
}

test('without a client the exit command cleans up', (t) => {
  t.is(spawnSync('sh', words(directoryWithLock(t)), { encoding: 'utf8' }).stdout, 'cleaned up\n');
});

test('a container that is gone needs no cleaning', (t) => {
  const result = spawnSync('sh', words('/nonexistent/gangway'), { encoding: 'utf8' });
  t.deepEqual([result.status, result.stdout, result.stderr], [0, '', '']);
});

test('it waits for an attached client, and has nothing to do when that has cleaned up', async (t) => {
  const directory = directoryWithLock(t);
  const client = await attachedClient(directory);
  const { child, output } = exitCommand(directory);
  await standsInLine(child);
  t.is(child.exitCode, null);
  rmSync(directory, { recursive: true });
  client.kill('SIGKILL');
  t.is(await output, '');
});

test('a client that is killed leaves the work to it', async (t) => {
  const directory = directoryWithLock(t);
  const client = await attachedClient(directory);
  const { output } = exitCommand(directory);
  client.kill('SIGKILL');
  t.is(await output, 'cleaned up\n');
});

test('a directory of the same name that was made meanwhile is another life of the container', async (t) => {
  const directory = directoryWithLock(t);
  const client = await attachedClient(directory);
  const { child, output } = exitCommand(directory);
  await standsInLine(child);
  rmSync(join(directory, 'lock'));
  writeFileSync(join(directory, 'lock'), '');
  client.kill('SIGKILL');
  t.is(await output, '');
  t.true(existsSync(directory));
});
