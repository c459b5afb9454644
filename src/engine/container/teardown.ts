/**
 * The end of a life: everything that it had is taken away, and how it ended is written down.
 *
 * It may be noticed by three: the client in whose foreground the container ran, the exit command that conmon starts,
 * and any later command that finds it dead. Whoever gets the lock first does it, and for the others nothing is left.
 */

import { existsSync } from 'node:fs';
import { bootId } from '../../kernel/boot.ts';
import { isAlive as isProcessAlive, type ProcessIdentity } from '../../kernel/process.ts';
import type { RecordChange } from '../../plan/change.ts';
import type { KernelHandles } from '../../plan/kernel-handles.ts';
import type { Step } from '../../plan/step.ts';
import { persistentSteps } from '../../plan/undo.ts';
import type { Exit } from '../../services/process/exit-hook.ts';
import { type Observed, observe, readLaunched } from '../../services/process/launch.ts';
import { messageOf } from '../../values/errors.ts';
import type { ContainerAction, Occurrence } from '../../values/event.ts';
import { present } from '../../values/present.ts';
import { type Context, carry, journalPath } from '../context.ts';
import { ofContainer, ofStack } from '../events/build.ts';
import { endForwarding } from '../sandbox/prerequisites.ts';
import {
  type ContainerRecord,
  type End,
  type HeldAddress,
  isLiving,
  isServed,
  type Life,
  stepsOf,
} from '../store/record.ts';

/** What a life is found to be: another boot has forgotten it, else its processes tell. */
export function observeLife(life: Life): Observed {
  return life.boot === bootId() ? observe(life.launch) : { kind: 'absent' };
}

/** Is its command running, or about to? */
export function isAlive(life: Life): boolean {
  return goesOn(observeLife(life));
}

/** Its monitor was killed, and its command goes on. */
export function isUnwatched(life: Life): boolean {
  if (observeLife(life).kind !== 'lost') return false;
  const launched = readLaunched(life.launch);
  return launched !== undefined && isProcessAlive(launched.container);
}

function goesOn({ kind }: Observed): boolean {
  return kind === 'created' || kind === 'running';
}

/** What becomes of a container's record when it has ended: `--rm`. As with Docker, one that is restarted stays. */
export function lastOf(record: ContainerRecord): 'keep' | 'remove' {
  return record.request.removeOnExit && !isBeingRestarted(record) ? 'remove' : 'keep';
}

interface Circumstances {
  /** What has happened to the container besides. */
  readonly told?: readonly ContainerAction[];
  /** What is known of its end, where its monitor can't tell. */
  readonly found?: Observed;
  /** Who is going to start it again after a while, if its policy says so. */
  readonly waiter?: ProcessIdentity | undefined;
}

/**
 * Takes a life away: the process and its control groups, the ports, the network, the files; of one of another boot the
 * files alone. The caller holds the lock.
 *
 * @param last what the record becomes: without its life, or nothing at all
 * @throws TeardownError with what could not be taken away; everything else is
 */
export async function endLife(
  context: Context,
  world: KernelHandles,
  record: ContainerRecord,
  last: 'keep' | 'remove',
  { told = [], found, waiter }: Circumstances = {},
): Promise<ContainerRecord> {
  const { life } = record;
  if (life === undefined) return record;
  const boot = bootId();
  const observed = found ?? observeLife(life);
  const seen = endOf(life, observed);
  const end = awaitsRestart(withoutLife(record, seen)) ? { ...seen, ...present({ waiter }) } : seen;
  if (end.outOfMemory)
    context.onWarning(`container ${record.name} ran out of memory: the kernel killed a process at the limit`);
  const ended = withoutLife(record, end);
  if (!context.dryRun && isServed(record, boot)) await context.sockets.withdraw(record.id);
  await unplugForOthers(context, world, record);
  const shared = endForwarding(context, record);
  const made = isLiving(record, boot) ? stepsOf(life) : persistentSteps(stepsOf(life));
  const steps = [...shared.steps, ...made];
  const own =
    last === 'remove'
      ? removal(context, record, ended)
      : { steps: [], records: [context.records.put('containers', ended)] };
  await carry(context, world, {
    plan: {
      subject: `${last === 'remove' ? 'remove' : 'end'} ${record.name}`,
      direction: 'unmake',
      steps: [...own.steps, ...steps],
    },
    records: [...own.records, ...shared.records],
    events: [
      ...(goesOn(observed) ? [ofContainer(record, 'kill', { signal: '9' })] : []),
      ...ofEnd(context, record, end),
      ...[...told, ...(last === 'remove' ? (['destroy'] as const) : [])].map((action) => ofContainer(record, action)),
    ],
  });
  return ended;
}

/**
 * A namespace takes its links with it when it ends; but it does not end while somebody else lives in it. Who has joined
 * this container's stack keeps it, with nothing in it but lo, as in Docker.
 */
async function unplugForOthers(context: Context, world: KernelHandles, record: ContainerRecord): Promise<void> {
  if (!isLiving(record, bootId()) || record.life.plugs.length === 0) return;
  const { id, name, life } = record;
  const shared = context.records.containers().some((other) => other.life?.joined === id && isAlive(other.life));
  if (!shared) return;
  const steps = [...life.plugs.flatMap((plug) => plug.steps), ...life.published];
  const plan = { subject: `unplug ${name}, whose stack others live in`, direction: 'unmake' as const, steps };
  await carry(context, world, { plan, records: [] });
}

/** Removes a container that has no life. The caller holds the lock. */
export async function removeRecord(context: Context, world: KernelHandles, record: ContainerRecord): Promise<void> {
  const { steps, records } = removal(context, record, record);
  await carry(context, world, {
    plan: { subject: `remove ${record.name}`, direction: 'unmake', steps },
    records,
    events: [ofContainer(record, 'destroy')],
  });
}

function removal(
  { records }: Context,
  record: ContainerRecord,
  ended: ContainerRecord,
): { readonly steps: readonly Step[]; readonly records: readonly RecordChange[] } {
  return { steps: record.steps, records: [records.dropContainer(ended)] };
}

/** As with Docker, a container has lost its networks when it is told to be dead. */
function ofEnd({ records }: Context, record: ContainerRecord, end: End): readonly Occurrence[] {
  const all = records.networks();
  const networks = (record.life?.plugs ?? []).flatMap(({ networkId }) => all.find(({ id }) => id === networkId) ?? []);
  const seconds = (new Date(end.finishedAt).getTime() - new Date(end.startedAt).getTime()) / 1000;
  return [
    ...(end.outOfMemory ? [ofContainer(record, 'oom')] : []),
    ...ofStack(record, networks, 'disconnect'),
    ofContainer(record, 'die', {
      execDuration: String(Math.max(0, Math.floor(seconds))),
      ...(end.exitCode === 'unknown' ? {} : { exitCode: String(end.exitCode) }),
    }),
  ];
}

/** What the record would be if its life were over: for a plan that is only told. */
export function assumeEnded(record: ContainerRecord): ContainerRecord {
  const { life } = record;
  return life === undefined ? record : withoutLife(record, endOf(life, observeLife(life)));
}

function withoutLife({ life: _, ...record }: ContainerRecord, lastEnd: End): ContainerRecord {
  return { ...record, lastEnd };
}

function endOf(life: Life, observed: Observed): End {
  const addresses = life.plugs.flatMap(({ networkId, endpoint }) =>
    endpoint.addresses.map(({ address }): HeldAddress => ({ networkId, address })),
  );
  const known = { startedAt: life.startedAt, boot: life.boot, addresses };
  const finishedAt = new Date().toISOString();
  // Still alive: it is we who kill it.
  if (observed.kind !== 'exited')
    return { exitCode: goesOn(observed) ? 137 : 'unknown', outOfMemory: false, finishedAt, ...known };
  const { at: _, ...exit } = observed.exit;
  return { ...exit, finishedAt: finishedAtOf(life, observed.exit) ?? finishedAt, ...known };
}

/**
 * When a life has ended. A file's time is the clock's last tick, which may be before the start.
 *
 * @returns undefined where nobody has written it down
 */
export function finishedAtOf(life: Life, { at }: Exit): string | undefined {
  return at === undefined ? undefined : new Date(Math.max(at.getTime(), Date.parse(life.startedAt))).toISOString();
}

/**
 * `gangway inspect` tells why a container did not start, where nobody reads what a command says. The caller holds the lock.
 *
 * @returns whether it was noted: what stands is not given up, whatever went wrong behind it
 * @throws AggregateError if it can't be written
 */
export async function noteFailure(
  context: Context,
  world: KernelHandles,
  id: string,
  error: unknown,
): Promise<boolean> {
  const record = context.records.containerById(id);
  if (record === undefined || record.life !== undefined) return false;
  // What is behind the last step of a start may fail, too: what stands then the journal alone knows, and the next command reads it.
  if (existsSync(journalPath(context))) return false;
  const failure = messageOf(error);
  try {
    await carry(context, world, {
      plan: { subject: `note why ${record.name} did not start`, direction: 'make', steps: [] },
      records: [context.records.put('containers', { ...record, failure })],
    });
  } catch (unwritten) {
    throw new AggregateError([error, unwritten], failure);
  }
  return true;
}

/** Docker's rules: does a container that has ended by itself start again? */
export function wantsRestart({ request, stopped, restarts, lastEnd }: ContainerRecord): boolean {
  if (stopped || request.removeOnExit) return false;
  switch (request.restart.kind) {
    case 'no':
      return false;
    case 'always':
    case 'unless-stopped':
      return true;
    case 'on-failure':
      return lastEnd?.exitCode !== 0 && restarts < (request.restart.maximumRetries ?? Number.POSITIVE_INFINITY);
  }
}

/** Is somebody restarting it by hand? */
export function isBeingRestarted({ restartedBy }: ContainerRecord): boolean {
  return restartedBy !== undefined && isProcessAlive(restartedBy);
}

/** Was it kept between two lives for a restart of which nothing came? Then nobody takes it away any more. */
export function isForsaken(record: ContainerRecord): boolean {
  const { life, lastEnd, restartedBy, request } = record;
  const wasKept = request.removeOnExit && restartedBy !== undefined && lastEnd !== undefined;
  return life === undefined && wasKept && !isBeingRestarted(record);
}

/** Is there somebody who waits to start it again? */
export function isWaiting(record: ContainerRecord): boolean {
  const { life, lastEnd } = record;
  if (life !== undefined) return isAboutToRestart(record);
  const waiter = lastEnd?.boot === bootId() ? lastEnd.waiter : undefined;
  return waiter !== undefined && isProcessAlive(waiter) && awaitsRestart(record);
}

/** Does it wait for its next life? As with Docker, one that could not begin is tried again by the next boot alone. */
export function awaitsRestart(record: ContainerRecord): boolean {
  return record.failure === undefined && wantsRestart(record);
}

/** A life of this length was a good one. Docker's ten seconds. */
const goodLifeMilliseconds = 10_000;

/**
 * Has it ended by itself, and is its exit command on the way, which starts it again? The monitor becomes that command,
 * under its own number.
 */
export function isAboutToRestart(record: ContainerRecord): boolean {
  const { life } = record;
  if (life === undefined) return false;
  const observed = observeLife(life);
  if (observed.kind !== 'exited' || !wantsRestart(withoutLife(record, endOf(life, observed)))) return false;
  const launched = readLaunched(life.launch);
  return launched !== undefined && isProcessAlive(launched.monitor);
}

/** What the wait before the next restart goes by: after a good life it is as short as at first. */
export function restartsInARow({ restarts, restartsInARow = restarts, lastEnd }: ContainerRecord): number {
  // Who starts it by hand counts from the beginning.
  const row = Math.min(restarts, restartsInARow);
  if (lastEnd === undefined) return row;
  const lasted = new Date(lastEnd.finishedAt).getTime() - new Date(lastEnd.startedAt).getTime();
  return lasted > goodLifeMilliseconds ? 0 : row;
}

/** Docker's: 100 ms, doubled with every restart in a row, never more than a minute. */
export function restartDelayMilliseconds(inARow: number): number {
  return Math.min(100 * 2 ** Math.min(inARow, 20), 60_000);
}
