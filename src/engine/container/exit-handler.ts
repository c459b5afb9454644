/**
 * `gangway _exited ID`: what conmon runs when a container has ended and no client is there to clean up.
 *
 * It takes the life away, and starts the next one where the restart policy says so: after a while that doubles with
 * each time, and not at all if somebody stopped or removed it meanwhile. While the machine goes down nothing starts, and
 * what would stays in the records as if the power had gone: the next boot starts it (booted.ts), and what can't start now.
 */
import { performance } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { identifyProcess } from '../../kernel/process.ts';
import { isMachineStopping } from '../../kernel/sd-notify.ts';
import { TeardownError } from '../../values/errors.ts';
import {
  awaitsRestart,
  consecutiveRestarts,
  isAboutToRestart,
  isAlive,
  isBeingRestarted,
  recordAfterExit,
  restartDelayMilliseconds,
} from '../container-state.ts';
import { type Context, withLock } from '../context.ts';
import type { ContainerRecord } from '../store/record.ts';
import { startContainer } from './start.ts';
import { recordStartFailure, teardownRun } from './teardown.ts';

export async function exited(context: Context, id: string): Promise<void> {
  const ended = await withLock(context, async (world) => {
    const record = context.records.containerById(id);
    if (record?.life === undefined || isAlive(record.life)) return undefined;
    if (isAboutToRestart(record) && isMachineStopping()) return undefined;
    try {
      return await teardownRun(context, world, record, recordAfterExit(record), {
        waiter: identifyProcess(process.pid),
      });
    } catch (error) {
      if (!(error instanceof TeardownError)) throw error;
      // Its life is over all the same, and the next one is not to be refused for what this one has left.
      context.onWarning(error.message);
      return context.records.containerById(id);
    }
  });
  if (ended === undefined || !awaitsRestart(ended)) return;
  const inARow = consecutiveRestarts(ended);
  if (!(await isStillDue(context, ended, restartDelayMilliseconds(inARow)))) return;
  await withLock(context, async (world) => {
    const record = findWaiting(context, ended);
    if (record === undefined || isMachineStopping()) return;
    try {
      const counted = { restarts: record.restarts + 1, restartsInARow: inARow + 1 };
      await startContainer(context, world, { ...record, ...counted });
    } catch (error) {
      // Nobody reads what we say.
      if (!(await recordStartFailure(context, world, id, error))) throw error;
    }
  });
}

const lookMilliseconds = 1000;

/** Waits, but not for one that somebody stops, starts or removes meanwhile. @returns whether the time has come */
async function isStillDue(context: Context, ended: ContainerRecord, milliseconds: number): Promise<boolean> {
  const due = performance.now() + milliseconds;
  while (true) {
    const left = due - performance.now();
    await setTimeout(left > 0 ? Math.min(left, lookMilliseconds) : lookMilliseconds);
    const record = findWaiting(context, ended);
    // One that can't be read is about to be written.
    if (record === undefined && !context.records.unreadable().has(ended.id)) return false;
    // Who restarts it by hand may still be killed.
    if (performance.now() >= due && (record === undefined || !isBeingRestarted(record))) return true;
  }
}

/** The container, if it waits for its next life since that end. */
function findWaiting(context: Context, { id, lastEnd }: ContainerRecord): ContainerRecord | undefined {
  const record = context.records.containerById(id);
  if (record === undefined || record.life !== undefined || !awaitsRestart(record)) return undefined;
  return record.lastEnd?.finishedAt === lastEnd?.finishedAt ? record : undefined;
}
