import test from 'ava';
import { startsWithMachine } from '../../src/engine/container/boot-restart.ts';
import type { ContainerRecord } from '../../src/engine/store/record.ts';
import { parseRestartPolicy } from '../../src/values/restart.ts';

type Part = Partial<Pick<ContainerRecord, 'stopped' | 'restarts' | 'failure'>> & {
  readonly ranIn?: string;
  readonly ended?: number | 'unknown';
  readonly endedIn?: string;
};

function record(policy: string, { ranIn, ended, endedIn, ...rest }: Part): ContainerRecord {
  const life = { boot: ranIn, startedAt: '2026-01-02T13:23:37Z', plugs: [] };
  const lastEnd = { exitCode: ended, outOfMemory: false, startedAt: '', finishedAt: '', boot: endedIn };
  return {
    request: { restart: parseRestartPolicy(policy), removeOnExit: false },
    stopped: false,
    restarts: 0,
    ...(ranIn === undefined ? {} : { life }),
    ...(ended === undefined ? {} : { lastEnd }),
    ...rest,
  } as unknown as ContainerRecord;
}

const starts = (policy: string, part: Part) => startsWithMachine(record(policy, part), 'this boot');

test('what ran when the machine went down starts again, unless its policy says no', (t) => {
  const policies = ['no', 'on-failure', 'on-failure:3', 'unless-stopped', 'always'];
  t.deepEqual(
    policies.filter((policy) => starts(policy, { ranIn: 'another boot' })),
    ['on-failure', 'on-failure:3', 'unless-stopped', 'always'],
  );
  t.false(starts('on-failure:3', { ranIn: 'another boot', restarts: 3 }));
});

test('what runs, or has ended in this boot, is left to its exit command', (t) => {
  t.false(starts('always', { ranIn: 'this boot' }));
  t.false(starts('unless-stopped', { ended: 1, endedIn: 'this boot' }));
  t.false(starts('on-failure', { ended: 1, endedIn: 'this boot' }));
});

test('what waited to be started again when the machine went down starts', (t) => {
  const endedIn = 'another boot';
  t.true(starts('unless-stopped', { ended: 1, endedIn }));
  t.true(starts('on-failure:3', { ended: 1, endedIn, restarts: 2 }));
  t.false(starts('on-failure:3', { ended: 1, endedIn, restarts: 3 }));
  t.false(starts('on-failure', { ended: 0, endedIn }));
  t.false(starts('unless-stopped', { ended: 1, endedIn, stopped: true }));
});

test('what could not be started again is tried by the next boot', (t) => {
  const failure = 'a volume was gone';
  t.true(starts('unless-stopped', { ended: 1, endedIn: 'another boot', failure }));
  t.false(starts('unless-stopped', { ended: 1, endedIn: 'another boot', failure, stopped: true }));
  t.false(starts('unless-stopped', { ended: 1, endedIn: 'this boot', failure }));
});

test('an end that nobody saw was that of the machine, or of the monitor', (t) => {
  t.true(starts('unless-stopped', { ended: 'unknown' }));
  t.true(starts('unless-stopped', { ended: 'unknown', endedIn: 'this boot' }));
  t.false(starts('unless-stopped', { ended: 'unknown', stopped: true }));
  t.false(starts('no', { ended: 'unknown' }));
});

test('of those that somebody stopped, `always` starts; of those that never ran, none', (t) => {
  t.true(starts('always', { ended: 137, stopped: true }));
  t.true(starts('always', { ranIn: 'another boot', stopped: true }));
  t.false(starts('unless-stopped', { ranIn: 'another boot', stopped: true }));
  t.false(starts('always', {}));
});
