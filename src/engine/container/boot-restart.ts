/**
 * `gangway _booted`: what gangway-containers.service runs when the machine has started.
 *
 * Containers that ran when it went down, waited to be started again or could not be, or were ended by that, start again where
 * their restart policy says so, and as with Docker those with `always` whoever has stopped them. One that can't is told, and
 * keeps no other from starting.
 */
import { bootId } from '../../kernel/boot.ts';
import { messageOf } from '../../values/errors.ts';
import { assumeExited, wantsRestart } from '../container-state.ts';
import { type Context, withLock } from '../context.ts';
import type { ContainerRecord } from '../store/record.ts';
import { startContainer } from './start.ts';
import { recordStartFailure, teardownRun } from './teardown.ts';

/** @returns whether all of them have started */
export async function booted(context: Context): Promise<boolean> {
  // What runs already is served by the service from now on.
  await withLock(context, async () => {});
  let all = true;
  for (const { id, name } of inOrder(wanted(context))) {
    try {
      await startAfterBoot(context, id);
    } catch (error) {
      all = false;
      context.onWarning(`container ${name} did not start: ${messageOf(error)}`);
    }
  }
  return all;
}

/** Somebody may have started it, stopped it or removed it meanwhile. */
async function startAfterBoot(context: Context, id: string): Promise<void> {
  await withLock(context, async (world) => {
    const found = wanted(context).find((record) => record.id === id);
    if (found === undefined) return;
    try {
      const ended = await teardownRun(context, world, found, 'keep');
      await startContainer(context, world, { ...ended, stopped: false, restarts: 0 });
    } catch (error) {
      await recordStartFailure(context, world, id, error);
      throw error;
    }
  });
}

function wanted({ records }: Context): readonly ContainerRecord[] {
  const boot = bootId();
  return records.containers().filter((record) => startsWithMachine(record, boot));
}

/** @param boot this one */
export function startsWithMachine(record: ContainerRecord, boot: string): boolean {
  const { life, lastEnd, request } = record;
  const always = request.restart.kind === 'always';
  if (life !== undefined) return life.boot !== boot && (always || wantsRestart(assumeExited(record)));
  if (lastEnd === undefined) return false;
  // An end of this boot that conmon saw is its exit command's, which may wait before it starts the container again. One
  // that waited in another boot has not come to that.
  const isSeenTo = lastEnd.boot === boot && lastEnd.exitCode !== 'unknown';
  return always || (!isSeenTo && wantsRestart(record));
}

/** Who lives in another one's network comes after that one. */
function inOrder(records: readonly ContainerRecord[]): readonly ContainerRecord[] {
  const joins = ({ network }: ContainerRecord) => network.kind === 'container';
  return [...records.filter((record) => !joins(record)), ...records.filter(joins)];
}
