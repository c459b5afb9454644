/**
 * Step kinds: the end of a process, from outside. Nothing of it can be taken back.
 *
 * A process is known by its number and its birth (kernel/process.ts), so that whoever has the number by now is left alone.
 * The script has the number only, and is run at once.
 */
import { isAlive, type ProcessIdentity, signalProcess } from '../../kernel/process.ts';
import { tryLock } from '../../sys/flock.ts';
import { watchProcess } from '../../sys/pidfd.ts';
import { GangwayError, ignoring } from '../../values/errors.ts';
import { quote } from '../../values/quote.ts';
import { longestTimeoutMilliseconds } from '../../values/timer.ts';
import type { ActionKind } from '../kind.ts';
import type { ClaimStep, EndedStep, SignalStep } from '../step.ts';

/** How long the kernel may take to end a process that was killed. */
const killedSeconds = 10;

const final = { undo: () => {}, undoCommands: () => [], holds: () => true };

/**
 * Who holds it already does what we would do; what has gone needs no claim. A script has no way to lock a file for its own life without handing the
 * descriptor on to all that it starts; it takes the file away, which the waiting one takes for an answer as well.
 */
export const claim: ActionKind<ClaimStep> = {
  ...final,
  apply({ path }, kernel) {
    const lock = ignoring('ENOENT', () => tryLock(path));
    if (lock !== undefined) kernel.holdLock(lock);
  },
  commands: ({ path }) => [`rm -f ${quote(path)}`],
};

/** @param sent told each signal that has reached its process */
export function signal(sent: (signal: string) => void = () => {}): ActionKind<SignalStep> {
  return {
    ...final,
    apply({ process, signal: name }) {
      if (signalProcess(process, decodeSignal(name))) sent(name);
    },
    commands: ({ process, signal: name }) => [killCommand(process, name)],
  };
}

/** @param sent told of the SIGKILL that had to be sent */
export function ended(sent: (signal: string) => void = () => {}): ActionKind<EndedStep> {
  return {
    ...final,
    async apply({ process, patienceSeconds }) {
      if (await endsWithin(process, patienceSeconds)) return;
      if (signalProcess(process, 'SIGKILL')) sent('SIGKILL');
      if (await endsWithin(process, killedSeconds)) return;
      throw new GangwayError('program-failed', `process ${process.pid} was killed, but does not end`, {
        hint: `\`cat /proc/${process.pid}/stack\` shows what it waits for inside the kernel`,
      });
    },
    commands({ process, patienceSeconds }) {
      const wait = `tail --pid=${process.pid} -s 0.1 -f /dev/null`;
      if (patienceSeconds === undefined) return [wait];
      // Who has just ended needs no killing.
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

/** @param seconds however long it takes, where undefined @returns whether it ended in that time */
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
