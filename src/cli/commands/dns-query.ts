/** `gangway dns query` */
import type { NameAnswer } from '../../engine/engine.ts';
import { questionTypes } from '../../services/dns/packet-text.ts';
import { oneOf } from '../../values/literal.ts';
import type { Execute } from '../command.ts';
import { type Format, parseFormat } from '../format.ts';
import { printable, printableTexts } from '../format-error.ts';
import { UsageError } from '../grammar.ts';
import { formatObject } from '../inspect-output.ts';
import type { dnsQueryOptions } from '../options.ts';

export const execute: Execute<typeof dnsQueryOptions> = async ({ options, words }, context) => {
  const [name = ''] = words;
  const { from, type } = options;
  const format = await parseFormat(options.format);
  if (from === undefined) throw new UsageError('--from CONTAINER is missing: each container knows other names');
  const wanted = type === undefined ? {} : { type: oneOf('--type', type.toUpperCase(), questionTypes) };
  const engine = await context.engine();
  const answer = await engine.queryName(from, name, wanted);
  context.stdout.write(format.kind === 'plain' ? lines(answer) : formatObject(fields(answer, format), format));
  return 0;
};

/** `web 5 IN A 172.18.0.2`, or what there is instead; and the reason. Whoever was asked may have put anything into it. */
function lines({ status, records, why }: NameAnswer): string {
  const said = records.length > 0 ? records : [status === 'NOERROR' ? 'no record (NOERROR)' : status];
  return [...[...said, why].map(printable), ''].join('\n');
}

/** JSON has a spelling of its own for what steers a terminal. */
function fields({ name, type, status, records, by, why }: NameAnswer, { kind }: Format) {
  const object = { Name: name, Type: type, Status: status, Records: records, By: by, Why: why };
  return kind === 'json' ? object : printableTexts(object);
}
