/**
 * `gangway _exited ID`: what conmon runs when a container has ended and no client is there to clean up.
 *
 * It takes the life away, and starts the next one where the restart policy says so: after a while that doubles with
 * each time, and not at all if somebody stopped or removed it meanwhile. While the machine goes down nothing starts, and
 * what would stays in the records as if the power had gone: the next boot starts it (booted.ts).
 */
import { watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { isMachineStopping } from '../kernel/service.ts';
import type { World } from '../plan/world.ts';
import { ignoring } from '../values/errors.ts';
import { type Context, carry, exclusively } from './context.ts';
import {
  endLife,
  isAboutToRestart,
  isAlive,
  lastOf,
  restartDelayMilliseconds,
  restartsBefore,
  wantsRestart,
} from './end.ts';
import type { ContainerRecord } from './record.ts';
import { startLife } from './start.ts';

export async function exited(context: Context, id: string): Promise<void> {
  const ended = await exclusively(context, async (world) => {
    const record = find(context, id);
    if (record?.life === undefined || isAlive(record.life)) return undefined;
    if (isAboutToRestart(record) && isMachineStopping()) return undefined;
    return await endLife(context, world, record, lastOf(record));
  });
  if (ended === undefined || !wantsRestart(ended)) return;
  const restarts = restartsBefore(ended);
  await patience(context, id, restartDelayMilliseconds(restarts));
  await exclusively(context, async (world) => {
    const record = waiting(context, id);
    if (record === undefined || isMachineStopping()) return;
    try {
      await startLife(context, world, { ...record, restarts: restarts + 1 });
    } catch (error) {
      // Nobody reads what we say, and it waits for nothing any more.
      if (!(await noteFailure(context, world, { ...record, stopped: true }, error))) throw error;
    }
  });
}

/** Waits, but not for one that somebody stops, starts or removes meanwhile. */
async function patience(context: Context, id: string, milliseconds: number): Promise<void> {
  const path = context.records.path('containers', id);
  const end = new AbortController();
  const look = () => {
    if (waiting(context, id) === undefined) end.abort();
  };
  // A record is never changed in place. Where the kernel has no room for one more watch, the time passes.
  const watcher = ignoring(['ENOSPC', 'EMFILE'], () =>
    watch(dirname(path), (_, name) => {
      if (name === basename(path)) look();
    }),
  );
  look();
  try {
    await setTimeout(milliseconds, undefined, { signal: end.signal });
  } catch (error) {
    if (!end.signal.aborted) throw error;
  } finally {
    watcher?.close();
  }
}

/**
 * `gangway inspect` tells why a container did not start.
 *
 * @returns whether it was noted: what stands is not given up, whatever went wrong behind it
 */
export async function noteFailure(
  context: Context,
  world: World,
  record: ContainerRecord,
  error: unknown,
): Promise<boolean> {
  if (find(context, record.id)?.life !== undefined) return false;
  const failure = error instanceof Error ? error.message : String(error);
  await carry(context, world, {
    plan: { subject: `give up ${record.name}`, direction: 'make', steps: [] },
    records: [context.records.put('containers', { ...record, failure })],
  });
  return true;
}

/** The container, if it waits for its next life. */
function waiting(context: Context, id: string): ContainerRecord | undefined {
  const record = find(context, id);
  return record !== undefined && record.life === undefined && wantsRestart(record) ? record : undefined;
}

function find({ records }: Context, id: string): ContainerRecord | undefined {
  return records.containers().find((record) => record.id === id);
}
