import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { identifyProcess } from '../../src/kernel/process.ts';
import { waitForExit } from '../../src/services/process/exit-watch.ts';

/** A process that plays conmon, and the file that it would write. */
function monitor(t: ExecutionContext) {
  const directory = mkdtempSync(join(tmpdir(), 'gangway-exit-'));
  const child = spawn('sleep', ['100'], { stdio: 'ignore' });
  t.teardown(() => {
    child.kill('SIGKILL');
    rmSync(directory, { recursive: true });
  });
  const identity = identifyProcess(child.pid ?? 0);
  if (identity === undefined) throw new Error('no monitor');
  return { child, identity, file: join(directory, 'c1') };
}

test('a status that is already there is given at once', async (t) => {
  const { identity, file } = monitor(t);
  writeFileSync(file, '137\n');
  t.is(await waitForExit(file, identity), 137);
});

test('a file that is still empty is not taken for a status', async (t) => {
  const { identity, file } = monitor(t);
  writeFileSync(file, '');
  const waiting = waitForExit(file, identity);
  await delay(50);
  writeFileSync(`${file}2`, '9');
  await delay(50);
  writeFileSync(file, '7');
  t.is(await waiting, 7);
});

test('a killed monitor makes the status unknown, unless it has left one', async (t) => {
  const { child, identity, file } = monitor(t);
  const waiting = waitForExit(file, identity);
  await delay(50);
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  t.is(await waiting, 'unknown');
  await ended;
  t.is(await waitForExit(file, identity), 'unknown');
  writeFileSync(file, '0');
  t.is(await waitForExit(file, identity), 0);
});

test('another process with the monitor’s number is not the monitor', async (t) => {
  const { identity, file } = monitor(t);
  t.is(await waitForExit(file, { ...identity, startTime: '1' }), 'unknown');
});

test('waiting costs no processor time, and can be given up', async (t) => {
  const { identity, file } = monitor(t);
  const abort = new AbortController();
  const waiting = waitForExit(file, identity, abort.signal);
  await delay(100);
  const before = process.cpuUsage();
  await delay(500);
  const { user, system } = process.cpuUsage(before);
  t.true(user + system < 100_000, `${user + system} µs`);
  abort.abort(new Error('enough'));
  await t.throwsAsync(waiting, { message: 'enough' });
});
