/** Commands that take many names go on after a failure, say each, and fail in the end. */
import type { Context } from './command.ts';
import { complain } from './print-error.ts';

/**
 * Does `action` to each name and prints the line that it returns, if any.
 *
 * @returns 0, or 1 if any failed
 */
export async function forEachName(
  names: readonly string[],
  context: Context,
  action: (name: string) => Promise<string | undefined>,
): Promise<number> {
  let status = 0;
  for (const name of names) {
    try {
      const line = await action(name);
      if (line !== undefined) context.stdout.write(`${line}\n`);
    } catch (error) {
      complain(error, context);
      status = 1;
    }
  }
  return status;
}
