/** `gangway network rm` */
import { GangwayError } from '../../values/errors.ts';
import type { Execute } from '../command.ts';
import { forEachName } from '../for-each-name.ts';
import type { networkRemoveOptions } from '../options.ts';

/** With `-f`, one that is not there is no failure, as in docker. */
export const execute: Execute<typeof networkRemoveOptions> = async ({ options: { force }, words }, context) => {
  const engine = await context.engine();
  return await forEachName(words, context, async (name) => {
    try {
      await engine.removeNetwork(name);
      return name;
    } catch (error) {
      if (force && error instanceof GangwayError && error.code === 'network-not-found') return undefined;
      throw error;
    }
  });
};
