/** A container's streams on our terminal: what run, start, exec and attach have in common. */
import type { Ending, Engine, Streams } from '../engine/engine.ts';
import { GangwayError } from '../values/errors.ts';
import type { Context } from './command.ts';
import { UsageError } from './grammar.ts';
import { present } from './present.ts';

/** Our ends of the streams. Without `input` the container reads nothing of ours. */
export function streams(context: Context, input: boolean, detachKeys: string | undefined): Streams {
  const { stdout, stderr } = context;
  return { stdout, stderr, ...present({ stdin: input ? context.stdin() : undefined, detachKeys }) };
}

/** `-it` without a terminal would leave the container with one that nobody sits at. @throws UsageError */
export function requireTerminal(context: Context, wanted: boolean): void {
  if (!wanted || context.stdin().isTTY) return;
  throw new UsageError('the input is no terminal; leave out -t', 1);
}

const forwarded = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2'] as const;

/**
 * Passes the signals that we get on to the container while `session` lasts, so that ^C and `kill` mean the command
 * and not its messenger. With a terminal, ^C reaches the command as a key, and signals are for us alone.
 *
 * @returns the exit status: the command's, or 0 where we left it running
 */
export async function forwardingSignals(
  engine: Engine,
  name: string,
  terminal: boolean,
  session: () => Promise<Ending | undefined>,
): Promise<number> {
  let failure: unknown;
  const forward = (signal: NodeJS.Signals) => {
    engine.kill(name, signal).catch((error: unknown) => {
      if (!isOver(error)) failure = error;
    });
  };
  const signals = terminal ? [] : forwarded;
  for (const signal of signals) process.on(signal, forward);
  try {
    const ending = await session();
    if (failure !== undefined) throw failure;
    return ending?.kind === 'exited' ? ending.exitCode : 0;
  } finally {
    for (const signal of signals) process.off(signal, forward);
  }
}

/** The signal came too early or too late. */
function isOver(error: unknown): boolean {
  return (
    error instanceof GangwayError && (error.code === 'container-not-running' || error.code === 'container-not-found')
  );
}

/** Was this container made with `-t`? @throws GangwayError container-not-found */
export async function hasTerminal(engine: Engine, name: string): Promise<boolean> {
  const { Config: configuration } = await engine.inspect(name);
  return (configuration as { Tty?: unknown } | undefined)?.Tty === true;
}
