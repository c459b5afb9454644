/** `gangway rm` */
import { GangwayError } from '../../values/errors.ts';
import type { Execute } from '../command.ts';
import { forEachName } from '../for-each-name.ts';
import type { removeOptions } from '../options.ts';
import { complain } from '../print-error.ts';

/** With `-f`, what is not there is said and is no failure. */
export const execute: Execute<typeof removeOptions> = async ({ options: { force }, words }, context) => {
  const engine = await context.engine();
  return await forEachName(words, context, async (name) => {
    try {
      await engine.remove(name, { force });
      return name;
    } catch (error) {
      if (!(force && error instanceof GangwayError && error.code === 'container-not-found')) throw error;
      complain(error, context);
      return undefined;
    }
  });
};
