/** What gangway itself says on stderr: a line that begins with its name, so that a container's own words are told apart. */
import { palette } from './color.ts';
import type { Console } from './command.ts';
import { sentence } from './format-error.ts';

/** Says what went wrong. */
export function complain(
  error: unknown,
  { stderr, color = 'auto', environment }: Pick<Console, 'stderr' | 'color' | 'environment'>,
): void {
  const { error: red } = palette(stderr, color, environment);
  stderr.write(`${red('gangway: ')}${sentence(error)}\n`);
}
