/**
 * `gangway _exited ID`: what conmon runs when a container has ended and no client is there to clean up.
 *
 * It takes the life away, and starts the next one where the restart policy says so: after a while that doubles with
 * each time, and not at all if somebody stopped or removed it meanwhile. While the machine goes down nothing starts, and
 * what would stays in the records as if the power had gone: the next boot starts it (booted.ts).
 */
import { setTimeout } from 'node:timers/promises';
import { isMachineStopping } from '../kernel/service.ts';
import type { World } from '../plan/world.ts';
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
  await setTimeout(restartDelayMilliseconds(restarts));
  await exclusively(context, async (world) => {
    const record = find(context, id);
    if (record === undefined || record.life !== undefined || !wantsRestart(record)) return;
    try {
      await startLife(context, world, { ...record, restarts: restarts + 1 });
    } catch (error) {
      // What stands is not given up, whatever went wrong behind it.
      if (find(context, id)?.life !== undefined) throw error;
      await giveUp(context, world, record, error);
    }
  });
}

/** Nobody reads what we say: `gangway inspect` tells why it did not start, and it waits for nothing any more. */
async function giveUp(context: Context, world: World, record: ContainerRecord, error: unknown): Promise<void> {
  const failure = error instanceof Error ? error.message : String(error);
  await carry(context, world, {
    plan: { subject: `give up ${record.name}`, direction: 'make', steps: [] },
    records: [context.records.put('containers', { ...record, stopped: true, failure })],
  });
}

function find({ records }: Context, id: string) {
  return records.containers().find((record) => record.id === id);
}
