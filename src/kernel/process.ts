/**
 * A process, known by its number and the moment of its birth.
 *
 * Numbers come round again: the pid in a file may belong to somebody else by now, and a signal sent to it would hit a
 * stranger. Together with the start time, in clock ticks since boot, it is unique.
 *
 * @see proc_pid_stat(5), field 22
 */
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { ignoring } from '../values/errors.ts';

export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot, as text: it is only ever compared. */
  readonly startTime: string;
}

/** Who has this number now. Undefined for nobody, and for a process that has ended and only waits to be reaped. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  const stat = ignoring(['ENOENT', 'ESRCH'], () => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  // The second field is the name in parentheses, which may itself hold spaces and parentheses.
  const [state, ...fields] = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
  const startTime = fields[18];
  if (startTime === undefined || state === 'Z' || state === 'X') return undefined;
  return { pid, startTime };
}

export function isAlive(process: ProcessIdentity): boolean {
  return identifyProcess(process.pid)?.startTime === process.startTime;
}

/**
 * Sends a signal, if the process is still the same.
 *
 * @returns whether it was
 */
export function signalProcess({ pid, startTime }: ProcessIdentity, signal: NodeJS.Signals | number): boolean {
  if (!isAlive({ pid, startTime })) return false;
  return ignoring('ESRCH', () => process.kill(pid, signal)) ?? false;
}

/** How long killed processes may take to be gone. A busy machine needs its time to run them to their end. */
const patienceMilliseconds = 10_000;

/**
 * Kills until nobody is found any more, or the time is up: who is killed may have forked before.
 *
 * @returns who is still there
 */
export async function killUntilNone(
  find: () => readonly number[],
  patience = patienceMilliseconds,
): Promise<readonly number[]> {
  const deadline = performance.now() + patience;
  let pids = find();
  for (; pids.length > 0 && performance.now() < deadline; pids = find()) {
    for (const pid of pids) ignoring('ESRCH', () => process.kill(pid, 'SIGKILL'));
    await setTimeout(1);
  }
  return pids;
}
