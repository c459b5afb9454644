/** What processes cost: a carrier's own, and all that they have started. */
import { readdirSync, readFileSync } from 'node:fs';
import { ignoring } from '../src/values/errors.ts';

const clockTicksPerSecond = 100;

interface ProcessTimes {
  readonly pid: number;
  readonly parent: number;
  /** Its own, and that of its children that have ended. */
  readonly seconds: number;
}

/** Processor time of all threads, of children that live, and of those that have ended. */
export function processorSeconds(pids: readonly number[]): number {
  // A child that ends while they are read is found neither among the living nor in its parent's account.
  return Math.max(once(), once());

  function once(): number {
    return family(pids).reduce((sum, { seconds }) => sum + seconds, 0);
  }
}

/** Memory that they alone have, and their share of what they share with others (Pss), without the kernel's own for them. */
export function memoryMebibytes(pids: readonly number[]): number {
  const kibibytes = family(pids).map(({ pid }) => {
    const text = ignoring(['ENOENT', 'ESRCH'], () => readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1')) ?? '';
    return Number(/^Pss: +(\d+) kB$/m.exec(text)?.[1] ?? 0);
  });
  return kibibytes.reduce((sum, share) => sum + share, 0) / 1024;
}

function family(pids: readonly number[]): readonly ProcessTimes[] {
  const everyone = everyProcess();
  const members = new Map(everyone.filter(({ pid }) => pids.includes(pid)).map((one) => [one.pid, one]));
  for (let before = 0; before !== members.size; ) {
    before = members.size;
    for (const one of everyone) if (members.has(one.parent)) members.set(one.pid, one);
  }
  return [...members.values()];
}

function everyProcess(): readonly ProcessTimes[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => ignoring(['ENOENT', 'ESRCH'], () => readTimes(Number(pid))) ?? []);
}

/** The fields 4 and 14 to 17 of proc_pid_stat(5), behind the name, which may have blanks. */
function readTimes(pid: number): ProcessTimes {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const ticks = fields.slice(11, 15).reduce((sum, one) => sum + one, 0);
  return { pid, parent: fields[1] ?? 0, seconds: ticks / clockTicksPerSecond };
}
