/**
 * Step kinds that end a process. They can't be undone.
 *
 * A process is identified by pid and start time, so a reused pid is never signalled. The script has only the pid, and
 * runs at once.
 */
import { isAlive, type ProcessIdentity, signalProcess } from '../../kernel/process.ts';
import { tryLock } from '../../sys/flock.ts';
import { watchProcess } from '../../sys/pidfd.ts';
import { GangwayError, ignoring } from '../../values/errors.ts';
import { quote } from '../../values/quote.ts';
import { longestTimeoutMilliseconds } from '../../values/timer.ts';
import type { ActionKind } from '../kind.ts';
import type { ClaimStep, EndedStep, SignalStep } from '../step.ts';

/** Seconds that the kernel may need to end a killed process. */
const killedSeconds = 10;

const final = { undo: () => {}, undoCommands: () => [], holds: () => true };

/**
 * Takes the lock if it is free: its holder does the same work. A script can't lock a file for its own lifetime, so it
 * removes the file, which the waiting process accepts too.
 */
export const claim: ActionKind<ClaimStep> = {
  ...final,
  apply({ path }, kernel) {
    const lock = ignoring('ENOENT', () => tryLock(path));
    if (lock !== undefined) kernel.holdLock(lock);
  },
  commands: ({ path }) => [`rm -f ${quote(path)}`],
};

/** @param sent called for each delivered signal */
export function signal(sent: (signal: string) => void = () => {}): ActionKind<SignalStep> {
  return {
    ...final,
    apply({ process, signal: name }) {
      if (signalProcess(process, decodeSignal(name))) sent(name);
    },
    commands: ({ process, signal: name }) => [killCommand(process, name)],
  };
}

/** @param sent called if a SIGKILL was necessary */
export function ended(sent: (signal: string) => void = () => {}): ActionKind<EndedStep> {
  return {
    ...final,
    async apply({ process, patienceSeconds }) {
      if (await endsWithin(process, patienceSeconds)) return;
      if (signalProcess(process, 'SIGKILL')) sent('SIGKILL');
      if (await endsWithin(process, killedSeconds)) return;
      throw new GangwayError('program-failed', `process ${process.pid} does not exit after SIGKILL`, {
        hint: `\`cat /proc/${process.pid}/stack\` shows where it blocks in the kernel`,
      });
    },
    commands({ process, patienceSeconds }) {
      const wait = `tail --pid=${process.pid} -s 0.1 -f /dev/null`;
      if (patienceSeconds === undefined) return [wait];
      // The process may have exited meanwhile.
      const kill = `${killCommand(process, 'SIGKILL')} 2>/dev/null || [ ! -e /proc/${process.pid} ]`;
      const patient = `timeout ${patienceSeconds} ${wait} || ${kill}`;
      return [patienceSeconds === 0 ? kill : patient, wait];
    },
  };
}

function killCommand({ pid }: ProcessIdentity, name: string): string {
  return `kill -s ${name.replace(/^SIG/, '')} ${pid}`;
}

function decodeSignal(name: string): NodeJS.Signals | number {
  return /^\d+$/.test(name) ? Number(name) : (name as NodeJS.Signals);
}

/** @param seconds without limit if undefined @returns whether it exited in time */
async function endsWithin(process: ProcessIdentity, seconds: number | undefined): Promise<boolean> {
  const watch = watchProcess(process.pid);
  let timer: NodeJS.Timeout | undefined;
  try {
    if (!isAlive(process)) return true;
    const ended = watch.ended.then(() => true);
    if (seconds === undefined) return await ended;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(resolve, Math.min(seconds * 1000, longestTimeoutMilliseconds), false);
    });
    return await Promise.race([ended, late]);
  } finally {
    clearTimeout(timer);
    watch.close();
  }
}
