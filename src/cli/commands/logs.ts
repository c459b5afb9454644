/** `gangway logs` */
import { GangwayError } from '../../values/errors.ts';
import { present } from '../../values/present.ts';
import type { Execute } from '../command.ts';
import type { logsOptions } from '../options.ts';
import { write } from '../output.ts';
import { parseMoment } from '../parse-time.ts';

export const execute: Execute<typeof logsOptions> = async ({ options, words }, context) => {
  const [name = ''] = words;
  const { follow, timestamps } = options;
  const range = present({
    tail: parseTail(options.tail),
    since: parseMoment(options.since, '--since'),
    until: parseMoment(options.until, '--until'),
  });
  const engine = await context.engine();
  for await (const { time, stream, text } of engine.logs(name, { follow, ...range })) {
    const out = stream === 'stdout' ? context.stdout : context.stderr;
    await write(out, timestamps ? `${timestamp(time)} ${text}` : text);
  }
  return 0;
};

/** In nanoseconds, as docker writes it, though we know milliseconds. */
function timestamp(time: Date): string {
  return time.toISOString().replace('Z', '000000Z');
}

function parseTail(text: string | undefined): number | undefined {
  if (text === undefined || text === 'all' || /^-\d+$/.test(text)) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new GangwayError('invalid-option', `--tail ${JSON.stringify(text)} is no number`, {
    hint: 'write how many lines, or all',
  });
}
