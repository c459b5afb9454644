import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { identifyProcess, type ProcessIdentity } from '../../src/kernel/process.ts';
import type { KernelHandles } from '../../src/plan/kernel-handles.ts';
import { claim, ended, signal } from '../../src/plan/kinds/kill.ts';
import { type Lock, tryLock } from '../../src/sys/flock.ts';

const nowhere = {} as KernelHandles;
const why = 'a test';

/** A program that may be deaf to SIGTERM, and how it will have ended. */
async function program(script: string): Promise<{ readonly process: ProcessIdentity; readonly end: Promise<unknown> }> {
  const child = spawn('sh', ['-c', `${script}; echo ready; read -r line`], { stdio: ['pipe', 'pipe', 'inherit'] });
  const end = new Promise((resolve) => child.once('exit', (code, name) => resolve(name ?? code)));
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const process = identifyProcess(child.pid ?? 0);
  if (process === undefined) throw new Error('the program has ended');
  return { process, end };
}

test('who listens ends of the signal, and nobody is killed', async (t) => {
  const { process, end } = await program('trap "exit 7" TERM');
  await signal().apply({ kind: 'signal', process, signal: 'SIGTERM', why }, nowhere);
  await ended().apply({ kind: 'ended', process, patienceSeconds: 20, why }, nowhere);
  t.is(await end, 7);
});

test('who does not is killed when patience is at its end', async (t) => {
  const { process, end } = await program('trap "" TERM');
  await signal().apply({ kind: 'signal', process, signal: 'SIGTERM', why }, nowhere);
  await ended().apply({ kind: 'ended', process, patienceSeconds: 0, why }, nowhere);
  t.is(await end, 'SIGKILL');
});

test('a number that another process has by now is left alone', async (t) => {
  const { process, end } = await program(':');
  const before = { ...process, startTime: '1' };
  await signal().apply({ kind: 'signal', process: before, signal: 'SIGKILL', why }, nowhere);
  await ended().apply({ kind: 'ended', process: before, why }, nowhere);
  t.deepEqual(identifyProcess(process.pid), process);
  await signal().apply({ kind: 'signal', process, signal: '9', why }, nowhere);
  t.is(await end, 'SIGKILL');
});

test('a claim is held until the world is closed; one that somebody has is left to them', async (t) => {
  const directory = mkdtempSync('/tmp/gangway-claim-');
  const path = `${directory}/lock`;
  const kept: Lock[] = [];
  const kernel = { holdLock: (lock: Lock) => void kept.push(lock) } as unknown as KernelHandles;
  writeFileSync(path, '');
  await claim.apply({ kind: 'claim', path, why }, kernel);
  t.is(tryLock(path), undefined);
  await claim.apply({ kind: 'claim', path, why }, kernel);
  t.is(kept.length, 1);
  kept[0]?.release();
  rmSync(directory, { recursive: true });
  await claim.apply({ kind: 'claim', path, why }, kernel);
  t.is(kept.length, 1, 'what has gone needs no claim');
});

test('the same as commands', (t) => {
  const process = { pid: 12, startTime: '1' };
  t.deepEqual(signal().commands({ kind: 'signal', process, signal: 'SIGHUP', why }), ['kill -s HUP 12']);
  t.deepEqual(signal().commands({ kind: 'signal', process, signal: '40', why }), ['kill -s 40 12']);
  const kill = 'kill -s KILL 12 2>/dev/null || [ ! -e /proc/12 ]';
  const wait = 'tail --pid=12 -s 0.1 -f /dev/null';
  t.deepEqual(ended().commands({ kind: 'ended', process, why }), [wait]);
  t.deepEqual(ended().commands({ kind: 'ended', process, patienceSeconds: 3, why }), [
    `timeout 3 ${wait} || ${kill}`,
    wait,
  ]);
  t.deepEqual(ended().commands({ kind: 'ended', process, patienceSeconds: 0, why }), [kill, wait]);
});
