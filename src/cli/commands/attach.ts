/** `gangway attach` */
import type { Execute } from '../command.ts';
import type { attachOptions } from '../options.ts';
import { forwardingSignals, hasTerminal, streams } from '../stdio.ts';

export const execute: Execute<typeof attachOptions> = async ({ options, words }, context) => {
  const [name = ''] = words;
  const stdin = !options['no-stdin'];
  const engine = await context.engine();
  const session = () => engine.attach(name, streams(context, stdin, options['detach-keys']), { stdin });
  const terminal = await hasTerminal(engine, name);
  return await forwardingSignals({ engine, name: () => name, terminal }, session);
};
