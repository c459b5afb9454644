/** `gangway network inspect` */
import type { Execute } from '../command.ts';
import { inspectEach, networkObject } from '../inspection.ts';
import type { inspectOptions } from '../options.ts';

export const execute: Execute<typeof inspectOptions> = async ({ options, words }, context) => {
  const engine = await context.engine();
  return await inspectEach(words, options.format, context, async (name) =>
    networkObject(await engine.inspectNetwork(name)),
  );
};
