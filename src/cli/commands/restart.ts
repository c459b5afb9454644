/** `gangway restart` */

import { present } from '../../values/present.ts';
import type { Execute } from '../command.ts';
import { forEachName } from '../for-each-name.ts';
import type { restartOptions } from '../options.ts';
import { parseSeconds } from '../seconds.ts';

export const execute: Execute<typeof restartOptions> = async ({ options, words }, context) => {
  const how = present({ timeoutSeconds: parseSeconds(options.timeout) });
  const engine = await context.engine();
  return await forEachName(words, context, async (name) => {
    await engine.restart(name, how);
    return name;
  });
};
