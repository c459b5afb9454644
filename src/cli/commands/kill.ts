/** `gangway kill` */
import { parseSignal } from '../../values/signal.ts';
import type { Execute } from '../command.ts';
import { forEachName } from '../for-each-name.ts';
import type { killOptions } from '../options.ts';

export const execute: Execute<typeof killOptions> = async ({ options, words }, context) => {
  const signal = parseSignal(options.signal ?? 'KILL');
  const engine = await context.engine();
  return await forEachName(words, context, async (name) => {
    await engine.kill(name, signal);
    return name;
  });
};
