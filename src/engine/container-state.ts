/**
 * The state of a container: predicates on its record and on the processes that the record names.
 *
 *     record without `life`  ──start──>  record with `life`  ──exit, teardown──>  record with `lastEnd`
 *
 * The record alone does not tell whether a container runs: a run of an earlier boot is over, and a process may have
 * exited since. Therefore each question reads /proc and the files of conmon. No function here changes anything, and no
 * caller needs the lock.
 */
import { bootId } from '../kernel/boot.ts';
import { isAlive as isProcessAlive } from '../kernel/process.ts';
import type { Exit } from '../services/process/exit-hook.ts';
import { type Observed, observe, readLaunched } from '../services/process/launch.ts';
import { GangwayError, hasErrno } from '../values/errors.ts';
import type { ContainerRecord, HeldAddress, LastExit, Run } from './store/record.ts';

/** Observes a run by its processes. A run of another boot is `absent`. */
export function observeRun(life: Run): Observed {
  return life.boot === bootId() ? observe(life.launch) : { kind: 'absent' };
}

/** Tells whether the container's command runs, or is created and about to run. */
export function isAlive(life: Run): boolean {
  return isRunningOrCreated(observeRun(life));
}

/** Tells whether the monitor (conmon) was killed while the command still runs. */
export function isMonitorKilled(life: Run): boolean {
  if (observeRun(life).kind !== 'lost') return false;
  const launched = readLaunched(life.launch);
  return launched !== undefined && isProcessAlive(launched.container);
}

export function isRunningOrCreated({ kind }: Observed): boolean {
  return kind === 'created' || kind === 'running';
}

/** Decides whether the record goes when the container exits: `--rm`. As in Docker, `restart` keeps the record. */
export function recordAfterExit(record: ContainerRecord): 'keep' | 'remove' {
  return record.request.removeOnExit && !isBeingRestarted(record) ? 'remove' : 'keep';
}

/** Returns the record of an exited container. */
export function withoutRun({ life: _, ...record }: ContainerRecord, lastEnd: LastExit): ContainerRecord {
  return { ...record, lastEnd };
}

/** Describes how a run ended. A run that is still alive is about to be killed: exit code 137. */
export function exitOf(life: Run, observed: Observed): LastExit {
  const addresses = life.plugs.flatMap(({ networkId, endpoint }) =>
    endpoint.addresses.map(({ address }): HeldAddress => ({ networkId, address })),
  );
  const known = { startedAt: life.startedAt, boot: life.boot, addresses };
  const finishedAt = new Date().toISOString();
  if (observed.kind !== 'exited')
    return { exitCode: isRunningOrCreated(observed) ? 137 : 'unknown', outOfMemory: false, finishedAt, ...known };
  const { at: _, ...exit } = observed.exit;
  return { ...exit, finishedAt: finishedAtOf(life, observed.exit) ?? finishedAt, ...known };
}

/**
 * Returns the time at which a run ended, in ISO 8601, never before its start: a file's timestamp is as coarse as the
 * kernel's clock tick.
 *
 * @returns undefined if conmon wrote no exit file
 */
export function finishedAtOf(life: Run, { at }: Exit): string | undefined {
  return at === undefined ? undefined : new Date(Math.max(at.getTime(), Date.parse(life.startedAt))).toISOString();
}

/** Returns the record as it would be after an exit now. A dry run plans with it. */
export function assumeExited(record: ContainerRecord): ContainerRecord {
  const { life } = record;
  return life === undefined ? record : withoutRun(record, exitOf(life, observeRun(life)));
}

/** Tells whether the restart policy starts an exited container again, by Docker's rules. */
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

/** Tells whether a `gangway restart` command is restarting the container. */
export function isBeingRestarted({ restartedBy }: ContainerRecord): boolean {
  return restartedBy !== undefined && isProcessAlive(restartedBy);
}

/** Tells whether a `--rm` container stayed behind because its `restart` command was killed. `gc` removes it. */
export function isUnsupervised(record: ContainerRecord): boolean {
  const { life, lastEnd, restartedBy, request } = record;
  const wasKept = request.removeOnExit && restartedBy !== undefined && lastEnd !== undefined;
  return life === undefined && wasKept && !isBeingRestarted(record);
}

/** Tells whether an exit command waits to start the container again. */
export function isWaitingForRestart(record: ContainerRecord): boolean {
  const { life, lastEnd } = record;
  if (life !== undefined) return isAboutToRestart(record);
  const waiter = lastEnd?.boot === bootId() ? lastEnd.waiter : undefined;
  return waiter !== undefined && isProcessAlive(waiter) && awaitsRestart(record);
}

/** Tells whether the policy wants another run. As in Docker, after a failed start only the next boot tries again. */
export function awaitsRestart(record: ContainerRecord): boolean {
  return record.failure === undefined && wantsRestart(record);
}

/** A run of this length resets the restart delay, as in Docker. */
const stableRunMilliseconds = 10_000;

/**
 * Tells whether the container has exited and its exit command is about to restart it. conmon executes the exit command
 * in its own process, so the monitor's pid stays valid.
 */
export function isAboutToRestart(record: ContainerRecord): boolean {
  const { life } = record;
  if (life === undefined) return false;
  const observed = observeRun(life);
  if (observed.kind !== 'exited' || !wantsRestart(withoutRun(record, exitOf(life, observed)))) return false;
  const launched = readLaunched(life.launch);
  return launched !== undefined && isProcessAlive(launched.monitor);
}

/** Counts the restarts since the last stable run, or since the user started the container. */
export function consecutiveRestarts({ restarts, restartsInARow = restarts, lastEnd }: ContainerRecord): number {
  const row = Math.min(restarts, restartsInARow);
  if (lastEnd === undefined) return row;
  const lasted = new Date(lastEnd.finishedAt).getTime() - new Date(lastEnd.startedAt).getTime();
  return lasted > stableRunMilliseconds ? 0 : row;
}

/** Returns Docker's delay: 100 ms, doubled by each consecutive restart, at most one minute. */
export function restartDelayMilliseconds(inARow: number): number {
  return Math.min(100 * 2 ** Math.min(inARow, 20), 60_000);
}

/** @returns the error `container-not-running` */
export function notRunning(name: string): GangwayError {
  return new GangwayError('container-not-running', `container ${name} is not running`, {
    hint: `\`gangway start ${name}\` starts it`,
  });
}

/**
 * Runs `body` on a running container, without the lock. The container may exit meanwhile: its files and processes are
 * gone then, and errors such as ENOENT mean that it is not running.
 *
 * @throws GangwayError container-not-running in place of such an error
 */
export async function whileAlive<T>(name: string, life: Run, body: () => T | Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    const mayBeExit = error instanceof GangwayError || hasErrno(error, 'ENOENT', 'ECONNREFUSED', 'ESRCH');
    if (mayBeExit && !isAlive(life)) throw notRunning(name);
    throw error;
  }
}
