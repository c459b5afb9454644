import { bootId } from '../kernel/boot.ts';
import { isAlive as isProcessAlive } from '../kernel/process.ts';
import type { Exit } from '../services/process/exit-hook.ts';
import { type Observed, observe, readLaunched } from '../services/process/launch.ts';
import { GangwayError, hasErrno } from '../values/errors.ts';
import type { ContainerRecord, End, HeldAddress, Life } from './store/record.ts';

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

export function goesOn({ kind }: Observed): boolean {
  return kind === 'created' || kind === 'running';
}

/** What becomes of a container's record when it has ended: `--rm`. As with Docker, one that is restarted stays. */
export function lastOf(record: ContainerRecord): 'keep' | 'remove' {
  return record.request.removeOnExit && !isBeingRestarted(record) ? 'remove' : 'keep';
}

export function withoutLife({ life: _, ...record }: ContainerRecord, lastEnd: End): ContainerRecord {
  return { ...record, lastEnd };
}

export function endOf(life: Life, observed: Observed): End {
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

/** What the record would be if its life were over: for a plan that is only told. */
export function assumeEnded(record: ContainerRecord): ContainerRecord {
  const { life } = record;
  return life === undefined ? record : withoutLife(record, endOf(life, observeLife(life)));
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
export const goodLifeMilliseconds = 10000;
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
  return Math.min(100 * 2 ** Math.min(inARow, 20), 60000);
}

export function notRunning(name: string): GangwayError {
  return new GangwayError('container-not-running', `container ${name} is not running`, {
    hint: `\`gangway start ${name}\` starts it`,
  });
}

/**
 * Who looks into a container holds no lock: what he does not find there any more has ended with it.
 *
 * @throws GangwayError container-not-running, in the place of what the kernel says of a file or a process that has gone
 */
export async function whileAlive<T>(name: string, life: Life, body: () => T | Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    // What was refused for want of a directory or a program is refused for want of a container, too.
    const isOfLife = error instanceof GangwayError || hasErrno(error, 'ENOENT', 'ECONNREFUSED', 'ESRCH');
    if (isOfLife && !isAlive(life)) throw notRunning(name);
    throw error;
  }
}
