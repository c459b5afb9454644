import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { identifyProcess } from '../../src/kernel/process.ts';
import { type MonitoredRun, waitForExit } from '../../src/services/process/wait-exit.ts';

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
  const file = join(directory, 'c1');
  const life: MonitoredRun = { exitFile: file, monitor: identity, isCurrent: () => true };
  return { child, life, file };
}

test('a status that is already there is given at once', async (t) => {
  const { life, file } = monitor(t);
  writeFileSync(file, '137\n');
  t.is(await waitForExit(life), 137);
});

test('a file that is still empty is not taken for a status', async (t) => {
  const { life, file } = monitor(t);
  writeFileSync(file, '');
  const waiting = waitForExit(life);
  await delay(50);
  writeFileSync(`${file}2`, '9');
  await delay(50);
  writeFileSync(file, '7');
  t.is(await waiting, 7);
});

test('a killed monitor makes the status unknown, unless it has left one', async (t) => {
  const { child, life, file } = monitor(t);
  const waiting = waitForExit(life);
  await delay(50);
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  t.is(await waiting, 'unknown');
  await ended;
  t.is(await waitForExit(life), 'unknown');
  writeFileSync(file, '0');
  t.is(await waitForExit(life), 0);
});

test('who has been taken away is not waited for, whatever its monitor still does, nor is the next life’s end its own', async (t) => {
  const { life, file } = monitor(t);
  writeFileSync(file, '6');
  let stands = true;
  const taken = { ...life, isCurrent: () => stands };
  t.is(await waitForExit(taken), 6);
  rmSync(file);
  const waiting = waitForExit(taken);
  writeFileSync(file, '');
  stands = false;
  rmSync(file);
  t.is(await waiting, 'unknown');
  writeFileSync(file, '9');
  t.is(await waitForExit(taken), 'unknown');
});

test('another process with the monitor’s number is not the monitor', async (t) => {
  const { life } = monitor(t);
  t.is(await waitForExit({ ...life, monitor: { ...life.monitor, startTime: '1' } }), 'unknown');
});

test('waiting costs no processor time, and can be given up', async (t) => {
  const { life } = monitor(t);
  const abort = new AbortController();
  const waiting = waitForExit(life, abort.signal);
  await delay(100);
  const before = process.cpuUsage();
  await delay(500);
  const { user, system } = process.cpuUsage(before);
  t.true(user + system < 100_000, `${user + system} µs`);
  abort.abort(new Error('enough'));
  await t.throwsAsync(waiting, { message: 'enough' });
});
