/** Reads processor time and memory of processes and all their children. */
import { readdirSync, readFileSync } from 'node:fs';
import { ignoring } from '../src/values/errors.ts';

const clockTicksPerSecond = 100;

interface ProcessTimes {
  readonly pid: number;
  readonly parent: number;
  /** Own processor time, and that of exited children. */
  readonly seconds: number;
}

/** Returns the processor time of all threads, of running children and of exited children. */
export function processorSeconds(pids: readonly number[]): number {
  // A child that exits during the reading may be missing both as a process and in its parent's total.
  return Math.max(once(), once());

  function once(): number {
    return family(pids).reduce((sum, { seconds }) => sum + seconds, 0);
  }
}

/** Returns the PSS of processes and their children, without kernel memory. */
export function memoryMebibytes(pids: readonly number[]): number {
  const kibibytes = family(pids).map(({ pid }) => {
    const text = ignoring(['ENOENT', 'ESRCH'], () => readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1')) ?? '';
    return Number(/^Pss: +(\d+) kB$/m.exec(text)?.[1] ?? 0);
  });
  return kibibytes.reduce((sum, share) => sum + share, 0) / 1024;
}

function family(pids: readonly number[]): readonly ProcessTimes[] {
  const all = allProcesses();
  const members = new Map(all.filter(({ pid }) => pids.includes(pid)).map((one) => [one.pid, one]));
  for (let before = 0; before !== members.size; ) {
    before = members.size;
    for (const one of all) if (members.has(one.parent)) members.set(one.pid, one);
  }
  return [...members.values()];
}

function allProcesses(): readonly ProcessTimes[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => ignoring(['ENOENT', 'ESRCH'], () => readTimes(Number(pid))) ?? []);
}

/** Reads fields 4 and 14 to 17 of proc_pid_stat(5), after the name, which may have spaces. */
function readTimes(pid: number): ProcessTimes {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const ticks = fields.slice(11, 15).reduce((sum, one) => sum + one, 0);
  return { pid, parent: fields[1] ?? 0, seconds: ticks / clockTicksPerSecond };
}
