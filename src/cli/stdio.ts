/** Streams and signals of commands that connect the terminal to a container: run, start, exec and attach. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Ending, Engine, Streams } from '../engine/engine.ts';
import { parseDetachKeys } from '../services/process/detach-keys.ts';
import { GangwayError } from '../values/errors.ts';
import { present } from '../values/present.ts';
import type { Context } from './command.ts';
import { UsageError } from './grammar.ts';

/** Returns our ends of the container's streams, with stdin only if `input`. @throws GangwayError invalid-option */
export function streams(context: Context, input: boolean, detachKeys?: string): Streams {
  const { stdout, stderr } = context;
  // The engine parses the keys again; an error here comes before anything is created.
  if (detachKeys !== undefined) parseDetachKeys(detachKeys);
  return { stdout, stderr, ...present({ stdin: input ? context.stdin() : undefined, detachKeys }) };
}

/** Refuses `-it` if stdin is not a terminal, except with `explain`. @throws UsageError */
export function requireTerminal(context: Context, required: boolean): void {
  if (!required || context.engineOptions.dryRun === true || context.stdin().isTTY) return;
  throw new UsageError('stdin is not a terminal; leave out -t', 1);
}

/**
 * Writes, and waits while the reader is slow, so that an endless stream needs little memory.
 *
 * A closed pipe ends the program (gangway.ts).
 */
export async function writeAndDrain(out: NodeJS.WritableStream, text: string): Promise<void> {
  const flowing = out.write(text);
  if (!flowing) await new Promise<void>((resolve) => out.once('drain', resolve));
}

const forwardedSignals = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2'] as const;

const retryMilliseconds = 50;

/** 128 + SIGPIPE. */
const brokenPipeStatus = 141;

/** Container that receives the forwarded signals. */
export interface SignalTarget {
  readonly engine: Engine;
  /** Returns the container once it is created. A signal before that ends gangway. */
  readonly name: () => string | undefined;
  /** The container has a terminal, which turns ^C into a signal itself. No signal is forwarded. */
  readonly terminal: boolean;
}

/**
 * Forwards signals from gangway to the container while `session` runs, so that ^C and `kill` end the container's
 * command.
 *
 * @returns the exit status: that of the command; 0 after a detach; 141 if the output has no reader any more
 */
export async function withSignalForwarding(
  { engine, name, terminal }: SignalTarget,
  session: () => Promise<Ending | undefined>,
): Promise<number> {
  let failure: unknown;
  const stop = () => {
    for (const signal of forwardedSignals) process.off(signal, forward);
  };
  const forward = (signal: NodeJS.Signals) => {
    const target = name();
    if (target === undefined) {
      stop();
      process.kill(process.pid, signal);
      return;
    }
    sendWhenRunning(target, signal).catch((error: unknown) => {
      failure = error;
    });
  };
  // The container may still be in creation, for example while an archive is unpacked.
  let over = false;
  const sendWhenRunning = async (target: string, signal: NodeJS.Signals) => {
    while (!over) {
      try {
        return await engine.kill(target, signal);
      } catch (error) {
        if (!isNotRunning(error)) throw error;
      }
      await delay(retryMilliseconds, undefined, { ref: false });
    }
  };
  if (!terminal) for (const signal of forwardedSignals) process.on(signal, forward);
  try {
    const ending = await session();
    if (failure !== undefined) throw failure;
    if (ending?.kind === 'unread') return brokenPipeStatus;
    return ending?.kind === 'exited' ? ending.exitCode : 0;
  } finally {
    over = true;
    stop();
  }
}

/** Is this the error of a container that is not running or does not exist? */
export function isNotRunning(error: unknown): boolean {
  return (
    error instanceof GangwayError && (error.code === 'container-not-running' || error.code === 'container-not-found')
  );
}

/** Was the container created with `-t`? @throws GangwayError container-not-found */
export async function hasTerminal(engine: Engine, name: string): Promise<boolean> {
  const { Config: configuration } = await engine.inspect(name);
  return (configuration as { Tty?: unknown } | undefined)?.Tty === true;
}
