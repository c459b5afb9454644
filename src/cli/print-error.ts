/** Errors on stderr: one line that begins with `gangway:`, unlike the output of a container. */
import type { Engine } from '../engine/engine.ts';
import { GangwayError, KernelError, messageOf, TeardownError } from '../values/errors.ts';
import { palette } from './color.ts';
import type { Console, Context } from './command.ts';
import { printable } from './printable.ts';

const longest = 1500;

/** Prints an error as one line. */
export function printError(
  error: unknown,
  { stderr, color = 'auto', environment }: Pick<Console, 'stderr' | 'color' | 'environment'>,
): void {
  const { error: red } = palette(stderr, color, environment);
  stderr.write(`${red('gangway: ')}${formatError(error)}\n`);
}

/** Formats an error as one line: the problem, the kernel's error, and the hint. */
export function formatError(error: unknown): string {
  return printable(shorten(describe(error)));
}

function describe(error: unknown): string {
  if (error instanceof GangwayError) {
    const { message, cause, hint } = error;
    const kernel = cause instanceof KernelError && !message.includes(cause.message) ? ` (${cause.message})` : '';
    return `${message}${kernel}${hint === undefined ? '' : `; ${hint}`}`;
  }
  if (error instanceof KernelError || error instanceof TeardownError) return error.message;
  if (error instanceof Error && 'syscall' in error) return error.message;
  return `internal error: ${messageOf(error)}; set GANGWAY_DEBUG=1 for a stack trace, and report the problem`;
}

/** Errors quote the user's input, which can be very long. */
function shorten(text: string): string {
  return text.length <= longest ? text : `${text.slice(0, longest / 2)} … ${text.slice(-longest / 2)}`;
}

/**
 * Runs `action` for each name and prints the name, or the string that `action` returns; nothing for `null`. An error is
 * printed and does not stop the loop.
 *
 * @returns the exit status: 0, or 1 if an action failed
 */
export async function forEachName(
  names: readonly string[],
  context: Context,
  action: (engine: Engine, name: string) => Promise<unknown>,
): Promise<number> {
  const engine = await context.engine();
  let status = 0;
  for (const name of names) {
    try {
      const result = await action(engine, name);
      if (result !== null) context.stdout.write(`${typeof result === 'string' ? result : name}\n`);
    } catch (error) {
      printError(error, context);
      status = 1;
    }
  }
  return status;
}
