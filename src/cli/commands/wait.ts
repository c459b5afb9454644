/** `gangway wait` */
import type { Execute } from '../command.ts';
import { forEachName } from '../for-each-name.ts';

export const execute: Execute = async ({ words }, context) => {
  const engine = await context.engine();
  return await forEachName(words, context, async (name) => String(await engine.wait(name)));
};
