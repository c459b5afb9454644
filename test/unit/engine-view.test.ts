import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { describe, list, observeContainer, portsOf } from '../../src/engine/container/list.ts';
import type { Context } from '../../src/engine/context.ts';
import { createEngine } from '../../src/engine/create-engine.ts';
import { predefinedNetworkId } from '../../src/engine/store/network-lookup.ts';
import type { ContainerRecord, LastExit } from '../../src/engine/store/record.ts';
import { Records } from '../../src/engine/store/record-store.ts';
import { bootId } from '../../src/kernel/boot.ts';
import { makeDirectory } from '../../src/kernel/directory.ts';
import { identifyProcess } from '../../src/kernel/process.ts';
import type { RecordChange } from '../../src/plan/change.ts';
import { encode } from '../../src/plan/encoding.ts';
import { parseAddress } from '../../src/values/address.ts';
import { humanDuration } from '../../src/values/age.ts';
import type { RestartPolicy } from '../../src/values/container.ts';
import { gather } from '../../src/values/forward-set.ts';
import { connectionTo } from '../../src/values/network.ts';
import { container, lifeIn, request } from '../support/records.ts';

const finishedAt = '2026-01-01T00:00:00.000Z';
const fiveLater = Date.parse(finishedAt) + 5000;

/** An exit command that waits: we live. */
const waiter = identifyProcess(process.pid) ?? { pid: 0, startTime: '' };

function ended(exitCode: LastExit['exitCode'], parts: Partial<ContainerRecord> = {}): string {
  const lastEnd = { exitCode, outOfMemory: false, startedAt: finishedAt, finishedAt, boot: bootId(), waiter };
  const { state, status } = told(container({ lastEnd, ...parts }));
  return `${state}: ${status}`;
}

function told(record: ContainerRecord) {
  const seen = observeContainer(holding(record), record);
  if (seen === undefined) throw new Error('it has gone');
  return describe(seen, fiveLater);
}

function restarting(restart: RestartPolicy) {
  return { request: { ...request, restart } };
}

test('a container that was never started is created', (t) => {
  t.deepEqual(told(container()), { state: 'created', status: 'Created' });
});

test('one that has ended tells how and when', (t) => {
  t.is(ended(0), 'exited: Exited (0) 5 seconds ago');
  t.is(ended(137), 'exited: Exited (137) 5 seconds ago');
  t.is(ended('unknown'), 'exited: Exited (unknown) 5 seconds ago');
});

test('one that waits for its next start is restarting, whatever its exit code where the policy takes any', (t) => {
  t.is(ended(1, restarting({ kind: 'on-failure' })), 'restarting: Restarting (1) 5 seconds ago');
  t.is(ended(0, restarting({ kind: 'always' })), 'restarting: Restarting (0) 5 seconds ago');
});

test('nobody waits for it any more when who did was killed, or the machine has started anew', (t) => {
  const unawaited = { exitCode: 1, outOfMemory: false, startedAt: finishedAt, finishedAt, boot: bootId() };
  const lastEnd = { ...unawaited, boot: 'another boot', waiter };
  const killed = { ...lastEnd, boot: bootId(), waiter: { ...waiter, startTime: '0' } };
  t.is(told(container({ lastEnd: unawaited, ...restarting({ kind: 'always' }) })).state, 'exited');
  t.is(told(container({ lastEnd: killed, ...restarting({ kind: 'always' }) })).state, 'exited');
  t.is(told(container({ lastEnd, ...restarting({ kind: 'always' }) })).state, 'exited');
});

test('one that will not start again has exited: success, enough attempts, a stop, a failure', (t) => {
  t.is(ended(0, restarting({ kind: 'on-failure' })), 'exited: Exited (0) 5 seconds ago');
  const twice = restarting({ kind: 'on-failure', maximumRetries: 2 });
  t.is(ended(1, { ...twice, restarts: 1 }), 'restarting: Restarting (1) 5 seconds ago');
  t.is(ended(1, { ...twice, restarts: 2 }), 'exited: Exited (1) 5 seconds ago');
  t.is(ended(1, { ...restarting({ kind: 'always' }), stopped: true }), 'exited: Exited (1) 5 seconds ago');
  t.is(ended(1, { ...restarting({ kind: 'always' }), failure: 'why' }), 'exited: Exited (1) 5 seconds ago');
});

test('a life of another boot is over, and nobody knows how', (t) => {
  const life = lifeIn('/nonexistent', { boot: 'another' });
  t.deepEqual(told(container({ life })), { state: 'exited', status: 'Exited (unknown)' });
});

test('a life whose monitor has written the exit status is over', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'gangway-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const life = lifeIn(directory);
  const nobody = { pid: 1, startTime: 'another' };
  writeFileSync(join(directory, 'processes.json'), JSON.stringify({ container: nobody, monitor: nobody }));
  t.is(told(container({ life })).status, 'Exited (unknown)');
  writeFileSync(join(directory, life.launch.id), '3');
  t.deepEqual(told(container({ life })), { state: 'exited', status: 'Exited (3)' });
});

function holding(...all: readonly ContainerRecord[]): Context {
  const records = new Records({ state: '/nonexistent', runtime: '/nonexistent' }, () => {});
  records.assume(all.map((record) => records.put('containers', record)));
  return { records } as unknown as Context;
}

test('in the middle of an end, what is announced is told: how it ended, or that it is removed', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'gangway-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const records = new Records({ state: directory, runtime: directory }, () => {});
  const context = { records } as unknown as Context;
  const record = container({ life: lifeIn('/nonexistent', { boot: bootId() }) });
  const told = () => {
    const seen = observeContainer(context, record);
    return seen === undefined ? undefined : `${describe(seen, fiveLater).status}, ${seen.record.lastEnd?.exitCode}`;
  };
  const announce = (content: string) => writeFileSync(join(directory, 'journal.json'), content);
  const announceChange = (change: RecordChange, direction = 'unmake') =>
    announce(encode({ schema: 1, boot: bootId(), plan: { subject: 'x', direction, steps: [] }, records: [change] }));

  t.is(told(), undefined, 'nothing is announced, and there is no record any more');
  makeDirectory(join(directory, 'containers'), 0o700);
  const write = ({ path, content }: RecordChange) => writeFileSync(path, content ?? '');
  write(records.put('containers', record));
  t.is(told(), 'Exited (unknown), undefined', 'nothing is announced');
  const lastEnd = { exitCode: 3, outOfMemory: false, startedAt: finishedAt, finishedAt, boot: bootId() };
  const after = container({ lastEnd });
  announceChange(records.put('containers', after));
  t.is(told(), 'Exited (3) 5 seconds ago, 3');
  announceChange(records.dropContainer(after));
  t.is(told(), 'Removal In Progress, 3');
  announceChange(records.drop('containers', record.id));
  t.is(told(), 'Removal In Progress, undefined', 'begun by a gangway of before');
  announceChange(records.put('containers', after), 'make');
  t.is(told(), 'Exited (unknown), undefined', 'what is made may be taken back');
  announceChange(records.drop('containers', 'another'));
  t.is(told(), 'Exited (unknown), undefined', 'of another one');
  announce('{');
  t.is(told(), 'Exited (unknown), undefined', 'half a journal');
  write(records.put('containers', after));
  t.is(told(), 'Exited (3) 5 seconds ago, 3', 'written down meanwhile');
});

test('the list is newest first, and of those that run unless all are wanted', (t) => {
  const old = container({ name: 'old' });
  const young = container({ name: 'young', id: 'b'.repeat(64), createdAt: '2100-01-01T00:00:00.000Z' });
  t.deepEqual(
    list(holding(old, young), true).map(({ name }) => name),
    ['young', 'old'],
  );
  t.deepEqual(list(holding(old, young), false), []);
});

test('every network is named, with its id while it is there, and none of another’s stack', (t) => {
  const connections = [connectionTo('bridge'), connectionTo('gone')];
  const several = container({ network: { kind: 'networks', connections } });
  t.deepEqual(list(holding(several), true)[0]?.networks, [
    { name: 'bridge', id: predefinedNetworkId('bridge') },
    { name: 'gone' },
  ]);
  const alone = container({ network: { kind: 'none' } });
  t.deepEqual(list(holding(alone), true)[0]?.networks, [{ name: 'none', id: predefinedNetworkId('none') }]);
  const joined = container({ network: { kind: 'container', container: 'web' } });
  t.deepEqual(list(holding(joined), true)[0]?.networks, []);
});

test('a port is exposed unless it is published', (t) => {
  const binding = { protocol: 'tcp', hostAddress: parseAddress('0.0.0.0'), hostPort: 8080, containerPort: 80 } as const;
  const expose = [
    { port: 80, protocol: 'tcp' },
    { port: 80, protocol: 'udp' },
    { port: 53, protocol: 'tcp' },
  ] as const;
  const life = lifeIn('/nonexistent', { forwards: gather([{ binding, target: parseAddress('172.17.0.2') }]) });
  const record = container({ life, request: { ...request, expose } });
  t.deepEqual(list(holding(record), true)[0]?.exposed, [expose[1], expose[2]]);
  t.deepEqual(portsOf(holding(record), 'web'), [binding]);
  t.deepEqual(portsOf(holding(container()), 'web'), []);
  const old = container({ life: { ...life, boot: 'another' } });
  t.deepEqual([portsOf(holding(old), 'web'), list(holding(old), true)[0]?.ports], [[], []]);
});

const [minute, hour, day] = [60_000, 3_600_000, 86_400_000];

test('a span of time is told in Docker’s words, at each of their borders', (t) => {
  const spans: readonly (readonly [number, string])[] = [
    [-5, 'Less than a second'],
    [999, 'Less than a second'],
    [1000, '1 second'],
    [1999, '1 second'],
    [2000, '2 seconds'],
    [minute - 1, '59 seconds'],
    [minute, 'About a minute'],
    [2 * minute - 1, 'About a minute'],
    [2 * minute, '2 minutes'],
    [hour - 1, '59 minutes'],
    [hour, 'About an hour'],
    [90 * minute - 1, 'About an hour'],
    [90 * minute, '2 hours'],
    [47 * hour, '47 hours'],
    [2 * day, '2 days'],
    [14 * day - 1, '13 days'],
    [14 * day, '2 weeks'],
    [60 * day - 1, '8 weeks'],
    [60 * day, '2 months'],
    [730 * day - 1, '24 months'],
    [730 * day, '2 years'],
    [1095 * day, '3 years'],
  ];
  for (const [span, words] of spans) t.is(humanDuration(span), words, String(span));
});

/** docker/go-units, HumanDuration: its own order of questions. */
function reference(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  const [minutes, hours] = [Math.floor(milliseconds / minute), Math.floor(milliseconds / hour + 0.5)];
  if (seconds < 1) return 'Less than a second';
  if (seconds === 1) return '1 second';
  if (seconds < 60) return `${seconds} seconds`;
  if (minutes === 1) return 'About a minute';
  if (minutes < 60) return `${minutes} minutes`;
  if (hours === 1) return 'About an hour';
  if (hours < 48) return `${hours} hours`;
  return 'longer';
}

test('up to two days every second is told as Docker tells it', (t) => {
  fc.assert(
    fc.property(fc.oneof(fc.integer({ min: 0, max: 3 * hour }), fc.integer({ min: 0, max: 2 * day })), (span) => {
      const expected = reference(span);
      if (expected !== 'longer') t.is(humanDuration(span), expected, String(span));
    }),
    { numRuns: 1000 },
  );
});

test('what nobody made is as old as the state directory, and the default bridge not yet', async (t) => {
  const stateDirectory = mkdtempSync(join(tmpdir(), 'gangway-view-'));
  const engine = createEngine({ stateDirectory, runtimeDirectory: stateDirectory });
  const created = async () => (await engine.listNetworks()).map(({ createdAt }) => createdAt.toISOString().slice(0, 4));
  const year = String(new Date().getUTCFullYear());
  t.deepEqual(await created(), ['0001', year, year]);
  rmSync(stateDirectory, { recursive: true });
  t.deepEqual(await created(), ['0001', '0001', '0001']);
});
