/** `gangway stop` */

import { present } from '../../values/present.ts';
import { parseSignal } from '../../values/signal.ts';
import type { Execute } from '../command.ts';
import { forEachName } from '../for-each-name.ts';
import type { stopOptions } from '../options.ts';
import { parseSeconds } from '../seconds.ts';

export const execute: Execute<typeof stopOptions> = async ({ options, words }, context) => {
  const how = present({
    timeoutSeconds: parseSeconds(options.timeout),
    signal: options.signal === undefined ? undefined : parseSignal(options.signal),
  });
  const engine = await context.engine();
  return await forEachName(words, context, async (name) => {
    await engine.stop(name, how);
    return name;
  });
};
