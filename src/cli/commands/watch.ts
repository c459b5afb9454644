/** `gangway watch`: one line an event, until ^C or the container's end. */
import type { NetworkEvent } from '../../kernel/netlink-monitor.ts';
import type { Execute } from '../command.ts';
import { jsonLines, parseFormat } from '../format.ts';
import { printable, printableTexts } from '../format-error.ts';
import type { watchOptions } from '../options.ts';
import { write } from '../output.ts';

export const execute: Execute<typeof watchOptions> = async ({ options, words }, context) => {
  const format = await parseFormat(options.format);
  const [{ describeEvent, plainEvent }, engine] = await Promise.all([import('../events.ts'), context.engine()]);
  const watch = await engine.watch(words[0]);
  let interrupted = false;
  const end = () => {
    interrupted = true;
    watch.close();
  };
  process.once('SIGINT', end).once('SIGTERM', end);
  const tell = (event: NetworkEvent, time: string) => {
    if (format.kind === 'plain') return `${time.slice(11, 23)}  ${printable(describeEvent(event))}\n`;
    const object = { Time: time, ...plainEvent(event) };
    // A map: events of another kind have other fields, and a template is for all of them.
    return format.kind === 'json'
      ? jsonLines([object])
      : `${format.template.execute(new Map(Object.entries(printableTexts(object))))}\n`;
  };
  let last = '';
  for await (const event of watch) {
    // The kernel tells of every attribute that changes; most of them are not shown.
    const description = describeEvent(event);
    if (description !== last) await write(context.stdout, tell(event, new Date().toISOString()));
    last = description;
  }
  if (!interrupted) context.stderr.write(`container ${words[0]} has ended\n`);
  return 0;
};
