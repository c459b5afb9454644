/** `gangway network disconnect` */
import type { Execute } from '../command.ts';
import type { networkDisconnectOptions } from '../options.ts';

export const execute: Execute<typeof networkDisconnectOptions> = async ({ options, words }, context) => {
  const [network = '', container = ''] = words;
  const engine = await context.engine();
  await engine.disconnect(container, network, { force: options.force });
  return 0;
};
