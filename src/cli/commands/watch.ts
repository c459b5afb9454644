/** `gangway watch`: one line an event, until ^C or the container's end. */
import type { NetworkEvent } from '../../kernel/watch.ts';
import type { Execute } from '../command.ts';
import { jsonLines, parseFormat } from '../format.ts';
import type { jsonOptions } from '../options.ts';

export const execute: Execute<typeof jsonOptions> = async ({ options, words }, context) => {
  const json = parseFormat(options.format) === 'json';
  const [{ describeEvent, plainEvent }, engine] = await Promise.all([import('../events.ts'), context.engine()]);
  const watch = await engine.watch(words[0]);
  let interrupted = false;
  const end = () => {
    interrupted = true;
    watch.close();
  };
  process.once('SIGINT', end).once('SIGTERM', end);
  const tell = (event: NetworkEvent, time: string) =>
    json ? jsonLines([{ Time: time, ...plainEvent(event) }]) : `${time.slice(11, 23)}  ${describeEvent(event)}\n`;
  let last = '';
  for await (const event of watch) {
    // The kernel tells of every attribute that changes; most of them are not shown.
    const description = describeEvent(event);
    if (description !== last) context.stdout.write(tell(event, new Date().toISOString()));
    last = description;
  }
  if (!interrupted) context.stderr.write(`container ${words[0]} has ended\n`);
  return 0;
};
