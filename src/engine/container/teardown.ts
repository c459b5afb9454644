/**
 * The end of a life: everything that it had is taken away, and how it ended is written down.
 *
 * It may be noticed by three: the client in whose foreground the container ran, the exit command that conmon starts,
 * and any later command that finds it dead. Whoever gets the lock first does it, and for the others nothing is left.
 */

import { existsSync } from 'node:fs';
import { bootId } from '../../kernel/boot.ts';
import type { ProcessIdentity } from '../../kernel/process.ts';
import type { RecordChange } from '../../plan/change.ts';
import type { KernelHandles } from '../../plan/kernel-handles.ts';
import type { Step } from '../../plan/step.ts';
import { persistentSteps } from '../../plan/undo.ts';
import type { Observed } from '../../services/process/launch.ts';
import { messageOf } from '../../values/errors.ts';
import type { ContainerAction, Occurrence } from '../../values/event.ts';
import { present } from '../../values/present.ts';
import { awaitsRestart, exitOf, isAlive, isRunningOrCreated, observeRun, withoutRun } from '../container-state.ts';
import { applyChange, type Context, journalPath } from '../context.ts';
import { containerEvent, endpointEvents } from '../events/build.ts';
import { disableForwarding } from '../sandbox/prerequisites.ts';
import { type ContainerRecord, hasRun, isServed, type LastExit, stepsOf } from '../store/record.ts';

interface TeardownOptions {
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
export async function teardownRun(
  context: Context,
  world: KernelHandles,
  record: ContainerRecord,
  last: 'keep' | 'remove',
  { told = [], found, waiter }: TeardownOptions = {},
): Promise<ContainerRecord> {
  const { life } = record;
  if (life === undefined) return record;
  const boot = bootId();
  const observed = found ?? observeRun(life);
  const seen = exitOf(life, observed);
  const end = awaitsRestart(withoutRun(record, seen)) ? { ...seen, ...present({ waiter }) } : seen;
  if (end.outOfMemory)
    context.onWarning(`container ${record.name} ran out of memory: the kernel killed a process at the limit`);
  const ended = withoutRun(record, end);
  if (!context.dryRun && isServed(record, boot)) await context.sockets.withdraw(record.id);
  await detachSharedNamespace(context, world, record);
  const shared = disableForwarding(context, record);
  const made = hasRun(record, boot) ? stepsOf(life) : persistentSteps(stepsOf(life));
  const steps = [...shared.steps, ...made];
  const own =
    last === 'remove'
      ? removalChange(context, record, ended)
      : { steps: [], records: [context.records.put('containers', ended)] };
  await applyChange(context, world, {
    plan: {
      subject: `${last === 'remove' ? 'remove' : 'end'} ${record.name}`,
      direction: 'unmake',
      steps: [...own.steps, ...steps],
    },
    records: [...own.records, ...shared.records],
    events: [
      ...(isRunningOrCreated(observed) ? [containerEvent(record, 'kill', { signal: '9' })] : []),
      ...exitEvents(context, record, end),
      ...[...told, ...(last === 'remove' ? (['destroy'] as const) : [])].map((action) =>
        containerEvent(record, action),
      ),
    ],
  });
  return ended;
}

/**
 * A namespace takes its links with it when it ends; but it does not end while somebody else lives in it. Who has joined
 * this container's stack keeps it, with nothing in it but lo, as in Docker.
 */
async function detachSharedNamespace(context: Context, world: KernelHandles, record: ContainerRecord): Promise<void> {
  if (!hasRun(record, bootId()) || record.life.plugs.length === 0) return;
  const { id, name, life } = record;
  const shared = context.records.containers().some((other) => other.life?.joined === id && isAlive(other.life));
  if (!shared) return;
  const steps = [...life.plugs.flatMap((plug) => plug.steps), ...life.published];
  const plan = { subject: `unplug ${name}, whose stack others live in`, direction: 'unmake' as const, steps };
  await applyChange(context, world, { plan, records: [] });
}

/** Removes a container that has no life. The caller holds the lock. */
export async function removeRecord(context: Context, world: KernelHandles, record: ContainerRecord): Promise<void> {
  const { steps, records } = removalChange(context, record, record);
  await applyChange(context, world, {
    plan: { subject: `remove ${record.name}`, direction: 'unmake', steps },
    records,
    events: [containerEvent(record, 'destroy')],
  });
}

function removalChange(
  { records }: Context,
  record: ContainerRecord,
  ended: ContainerRecord,
): { readonly steps: readonly Step[]; readonly records: readonly RecordChange[] } {
  return { steps: record.steps, records: [records.dropContainer(ended)] };
}

/** As with Docker, a container has lost its networks when it is told to be dead. */
function exitEvents({ records }: Context, record: ContainerRecord, end: LastExit): readonly Occurrence[] {
  const all = records.networks();
  const networks = (record.life?.plugs ?? []).flatMap(({ networkId }) => all.find(({ id }) => id === networkId) ?? []);
  const seconds = (new Date(end.finishedAt).getTime() - new Date(end.startedAt).getTime()) / 1000;
  return [
    ...(end.outOfMemory ? [containerEvent(record, 'oom')] : []),
    ...endpointEvents(record, networks, 'disconnect'),
    containerEvent(record, 'die', {
      execDuration: String(Math.max(0, Math.floor(seconds))),
      ...(end.exitCode === 'unknown' ? {} : { exitCode: String(end.exitCode) }),
    }),
  ];
}

/**
 * `gangway inspect` tells why a container did not start, where nobody reads what a command says. The caller holds the lock.
 *
 * @returns whether it was noted: what stands is not given up, whatever went wrong behind it
 * @throws AggregateError if it can't be written
 */
export async function recordStartFailure(
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
    await applyChange(context, world, {
      plan: { subject: `note why ${record.name} did not start`, direction: 'make', steps: [] },
      records: [context.records.put('containers', { ...record, failure })],
    });
  } catch (unwritten) {
    throw new AggregateError([error, unwritten], failure);
  }
  return true;
}
