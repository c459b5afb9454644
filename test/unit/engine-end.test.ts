import test from 'ava';
import {
  consecutiveRestarts,
  recordAfterExit,
  restartDelayMilliseconds,
  wantsRestart,
} from '../../src/engine/container-state.ts';
import type { ContainerRecord, LastExit } from '../../src/engine/store/record.ts';
import { identifyProcess } from '../../src/kernel/process.ts';
import type { RestartPolicy } from '../../src/values/container.ts';
import { container, request } from '../support/records.ts';

function wants(restart: RestartPolicy, exitCode: LastExit['exitCode'], parts: Partial<ContainerRecord> = {}): boolean {
  const lastEnd = { exitCode, outOfMemory: false, startedAt: '', finishedAt: '' };
  return wantsRestart(container({ lastEnd, request: { ...request, restart }, ...parts }));
}

test('without a policy nothing starts again', (t) => {
  t.false(wants({ kind: 'no' }, 1));
});

test('always and unless-stopped start again after success and failure', (t) => {
  for (const kind of ['always', 'unless-stopped'] as const)
    for (const exitCode of [0, 1, 'unknown'] as const) t.true(wants({ kind }, exitCode), `${kind} ${exitCode}`);
});

test('what somebody stopped stays stopped', (t) => {
  for (const kind of ['always', 'unless-stopped', 'on-failure'] as const)
    t.false(wants({ kind }, 1, { stopped: true }));
});

test('what is removed when it ends has nothing to start', (t) => {
  t.false(wants({ kind: 'always' }, 1, { request: { ...request, restart: { kind: 'always' }, removeOnExit: true } }));
});

test('what is removed when it ends stays while somebody lives who restarts it', (t) => {
  const job = container({ request: { ...request, removeOnExit: true } });
  const restartedBy = identifyProcess(process.pid);
  t.not(restartedBy, undefined);
  if (restartedBy === undefined) return;
  t.is(recordAfterExit({ ...job, restartedBy }), 'keep');
  t.is(recordAfterExit({ ...job, restartedBy: { ...restartedBy, startTime: '1' } }), 'remove');
  t.is(recordAfterExit({ ...job, ...{ restarting: true } }), 'remove', 'an older record, which names nobody');
  t.is(recordAfterExit(container()), 'keep');
});

test('on-failure is for failures, as often as it says', (t) => {
  t.false(wants({ kind: 'on-failure' }, 0));
  t.true(wants({ kind: 'on-failure' }, 1, { restarts: 1000 }));
  const thrice = { kind: 'on-failure', maximumRetries: 3 } as const;
  t.deepEqual(
    [0, 1, 2, 3, 4].map((restarts) => wants(thrice, 1, { restarts })),
    [true, true, true, false, false],
  );
});

test('each restart waits twice as long as the one before, and none longer than a minute', (t) => {
  t.deepEqual([0, 1, 2, 3].map(restartDelayMilliseconds), [100, 200, 400, 800]);
  t.deepEqual([9, 10, 100, 1e9].map(restartDelayMilliseconds), [51_200, 60_000, 60_000, 60_000]);
});

test('after a life of more than ten seconds the waiting begins anew, and the count goes on', (t) => {
  const [startedAt, exitCode] = ['2026-01-01T00:00:00.000Z', 1] as const;
  const lived = (seconds: number, counted: Pick<ContainerRecord, 'restarts' | 'restartsInARow'>) => {
    const finishedAt = new Date(Date.UTC(2026, 0, 1, 0, 0, seconds)).toISOString();
    return consecutiveRestarts(
      container({ ...counted, lastEnd: { exitCode, outOfMemory: false, startedAt, finishedAt } }),
    );
  };
  t.deepEqual(
    [0, 10, 11].map((seconds) => lived(seconds, { restarts: 7, restartsInARow: 5 })),
    [5, 5, 0],
  );
  t.is(lived(0, { restarts: 7 }), 7, 'an older record');
  t.is(lived(0, { restarts: 0, restartsInARow: 5 }), 0, 'started by hand since');
  t.is(consecutiveRestarts(container({ restarts: 7 })), 7);
  t.false(wants({ kind: 'on-failure', maximumRetries: 3 }, 1, { restarts: 3, restartsInARow: 0 }));
});
