/** `gangway network inspect` */
import type { Execute } from '../command.ts';
import { inspectEach, networkObject } from '../inspect-output.ts';
import type { networkInspectOptions } from '../options.ts';
import { trafficReader } from '../traffic-columns.ts';

export const execute: Execute<typeof networkInspectOptions> = async ({ options, words }, context) => {
  const engine = await context.engine();
  const traffic = trafficReader(engine, options.format, context);
  return await inspectEach(words, options.format, context, async (name) =>
    networkObject(await engine.inspectNetwork(name), await traffic()),
  );
};
