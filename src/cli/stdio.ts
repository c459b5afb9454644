/** A container's streams on our terminal: what run, start, exec and attach have in common. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Ending, Engine, Streams } from '../engine/engine.ts';
import { parseDetachKeys } from '../services/process/detach-keys.ts';
import { GangwayError } from '../values/errors.ts';
import { present } from '../values/present.ts';
import type { Context } from './command.ts';
import { UsageError } from './grammar.ts';

/** Our ends of the streams. Without `input` the container reads nothing of ours. @throws GangwayError invalid-option */
export function streams(context: Context, input: boolean, detachKeys?: string): Streams {
  const { stdout, stderr } = context;
  // They are read again where they are used; here a mistake is found before anything is made.
  if (detachKeys !== undefined) parseDetachKeys(detachKeys);
  return { stdout, stderr, ...present({ stdin: input ? context.stdin() : undefined, detachKeys }) };
}

/** `-it` without a terminal would leave the container with one that nobody sits at; a plan may be read from anywhere. @throws UsageError */
export function requireTerminal(context: Context, wanted: boolean): void {
  if (!wanted || context.engineOptions.dryRun === true || context.stdin().isTTY) return;
  throw new UsageError('the input is no terminal; leave out -t', 1);
}

const forwarded = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2'] as const;

/** For a container that does not run yet. */
const lookMilliseconds = 50;

/** 128 + SIGPIPE. */
const endedByBrokenPipe = 141;

/** Whom signals are for. */
export interface Addressee {
  readonly engine: Engine;
  /** The container, as soon as it has a name. A signal that comes before is for us, and ends us. */
  readonly name: () => string | undefined;
  /** It has a terminal, to which ^C goes as a key: all signals are for us. */
  readonly terminal: boolean;
}

/**
 * Passes the signals that we get on to the container while `session` lasts, so that ^C and `kill` mean the command
 * and not its messenger.
 *
 * @returns the exit status: the command's; 0 where we left it running; where nobody reads on, that of a program which
 *   SIGPIPE has ended
 */
export async function forwardingSignals(
  { engine, name, terminal }: Addressee,
  session: () => Promise<Ending | undefined>,
): Promise<number> {
  let failure: unknown;
  const stop = () => {
    for (const signal of forwarded) process.off(signal, forward);
  };
  const forward = (signal: NodeJS.Signals) => {
    const target = name();
    if (target === undefined) {
      stop();
      process.kill(process.pid, signal);
      return;
    }
    pass(target, signal).catch((error: unknown) => {
      failure = error;
    });
  };
  // What comes while the container is being made, or while an archive is unpacked for it, waits until it runs.
  let over = false;
  const pass = async (target: string, signal: NodeJS.Signals) => {
    while (!over) {
      try {
        return await engine.kill(target, signal);
      } catch (error) {
        if (!isAbsent(error)) throw error;
      }
      await delay(lookMilliseconds, undefined, { ref: false });
    }
  };
  if (!terminal) for (const signal of forwarded) process.on(signal, forward);
  try {
    const ending = await session();
    if (failure !== undefined) throw failure;
    if (ending?.kind === 'unread') return endedByBrokenPipe;
    return ending?.kind === 'exited' ? ending.exitCode : 0;
  } finally {
    over = true;
    stop();
  }
}

/** The signal came too early or too late. */
function isAbsent(error: unknown): boolean {
  return (
    error instanceof GangwayError && (error.code === 'container-not-running' || error.code === 'container-not-found')
  );
}

/** Was this container made with `-t`? @throws GangwayError container-not-found */
export async function hasTerminal(engine: Engine, name: string): Promise<boolean> {
  const { Config: configuration } = await engine.inspect(name);
  return (configuration as { Tty?: unknown } | undefined)?.Tty === true;
}
