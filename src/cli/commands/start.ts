/** `gangway start` */
import type { Execute } from '../command.ts';
import { forEachName } from '../for-each-name.ts';
import { UsageError } from '../grammar.ts';
import type { startOptions } from '../options.ts';
import { forwardingSignals, hasTerminal, streams } from '../stdio.ts';

export const execute: Execute<typeof startOptions> = async ({ options, words }, context) => {
  const [name = '', ...more] = words;
  const attach = options.attach || options.interactive;
  if (attach && more.length > 0) throw new UsageError('only one container can be started with -a or -i', 1);
  const engine = await context.engine();
  if (attach) {
    const session = () => engine.start(name, streams(context, options.interactive, options['detach-keys']));
    const terminal = await hasTerminal(engine, name);
    return await forwardingSignals({ engine, name: () => name, terminal }, session);
  }
  return await forEachName(words, context, async (each) => {
    await engine.start(each);
    return each;
  });
};
