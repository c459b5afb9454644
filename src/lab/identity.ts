/**
 * A process, known for certain: a pid is used again after its process has ended, a pid with its start time is not.
 */
import { readFileSync } from 'node:fs';
import { ignoring } from '../values/errors.ts';

export interface ProcessIdentity {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: clock ticks since boot. */
  readonly startTime: string;
}

/** Who that pid is now; undefined if nobody. A zombie is nobody: it holds no namespace. */
export function identify(pid: number): ProcessIdentity | undefined {
  const stat = ignoring(['ENOENT', 'ESRCH'], () => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  if (stat === undefined) return undefined;
  // The second field is the command's name in parentheses and may itself contain blanks and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, startTime] = [fields[0], fields[19]];
  if (startTime === undefined || state === 'Z' || state === 'X') return undefined;
  return { pid, startTime };
}

export function isAlive(process: ProcessIdentity): boolean {
  return identify(process.pid)?.startTime === process.startTime;
}

/** Ends a process at once; one that has ended already is fine. Never hits a stranger that got the same pid. */
export function killForCertain(victim: ProcessIdentity): void {
  if (isAlive(victim)) ignoring('ESRCH', () => process.kill(victim.pid, 'SIGKILL'));
}
