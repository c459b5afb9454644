/** `gangway gc` */
import type { Execute } from '../command.ts';
import { jsonLines, parseFormat } from '../format.ts';
import type { jsonOptions } from '../options.ts';

export const execute: Execute<typeof jsonOptions> = async ({ options }, context) => {
  const json = parseFormat(options.format) === 'json';
  const engine = await context.engine();
  const removed = await engine.collectGarbage();
  const lines = removed.map(({ what, why }) => `removed ${what}: ${why}\n`).join('');
  context.stdout.write(json ? jsonLines(removed.map(({ what, why }) => ({ What: what, Why: why }))) : lines);
  if (removed.length === 0) context.stderr.write('nothing to remove: everything has an owner\n');
  return 0;
};
