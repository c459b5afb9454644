import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { type Context, openPorts, SerialQueue, withLock } from '../../src/engine/context.ts';
import { GangwayError } from '../../src/values/errors.ts';

const failing = (error: Error) => ({ sockets: { serve: async () => Promise.reject(error) } }) as unknown as Context;
const unreachable = new GangwayError('switchboard-unreachable', 'the switchboard went away');

test('a switchboard that dies behind a change takes nothing back of it', async (t) => {
  await openPorts(failing(unreachable), 'c1');
  const otherwise = new GangwayError('container-not-found', 'no ports are reserved for container c1');
  t.is(await t.throwsAsync(openPorts(failing(otherwise), 'c1')), otherwise);
});

test('a switchboard that was waited for in vain is not waited for again, and that is told', async (t) => {
  const runtime = mkdtempSync(join(tmpdir(), 'gangway-'));
  t.teardown(() => rmSync(runtime, { recursive: true }));
  const warnings: string[] = [];
  let waits = 0;
  const context = {
    dryRun: false,
    canRecover: true,
    host: () => undefined,
    queue: new SerialQueue(),
    records: { directories: { runtime }, prepare: () => undefined, containers: () => [] },
    sockets: {
      isRunning: () => true,
      synchronize: async () => {
        waits++;
        throw unreachable;
      },
    },
    reconcileFirewall: async () => undefined,
    onWarning: (sentence: string) => warnings.push(sentence),
  } as unknown as Context;
  const complaint = 'published ports and names are not served: the switchboard went away';
  t.is(await withLock(context, async () => 'done'), 'done');
  t.deepEqual([waits, ...warnings.splice(0)], [1, complaint], 'control: nobody was killed before');
  // What a killed command left.
  writeFileSync(join(runtime, 'journal.json'), '{');
  t.is(await withLock(context, async () => 'done'), 'done');
  t.deepEqual([waits, warnings.slice(1)], [2, [complaint]]);
  t.regex(warnings[0] ?? '', /torn journal/);
});
