/** `gangway dns query`: resolves a name as a container does. */
import type { NameAnswer } from '../../engine/engine.ts';
import { questionTypes } from '../../services/dns/packet-text.ts';
import { oneOf } from '../../values/literal.ts';
import type { Execute } from '../command.ts';
import { type Format, formatObject, parseFormat } from '../format.ts';
import { UsageError } from '../grammar.ts';
import type { dnsQueryOptions } from '../network-options.ts';
import { printable, printableTexts } from '../printable.ts';

export const query: Execute<typeof dnsQueryOptions> = async ({ options, args: [name = ''] }, context) => {
  const { from, type } = options;
  const format = await parseFormat(options.format);
  if (from === undefined) throw new UsageError('--from CONTAINER is missing: each container resolves other names');
  const queryOptions = type === undefined ? {} : { type: oneOf('--type', type.toUpperCase(), questionTypes) };
  const engine = await context.engine();
  const answer = await engine.queryName(from, name, queryOptions);
  context.stdout.write(format.kind === 'plain' ? plainText(answer) : formatObject(fields(answer, format), format));
  return 0;
};

/** Formats records such as `web 5 IN A 172.18.0.2`, or the status; then the reason. Upstream servers are not trusted. */
function plainText({ status, records, why }: NameAnswer): string {
  const lines = records.length > 0 ? records : [status === 'NOERROR' ? 'no record (NOERROR)' : status];
  return [...[...lines, why].map(printable), ''].join('\n');
}

/** JSON output escapes unsafe characters itself. */
function fields({ name, type, status, records, by, why }: NameAnswer, { kind }: Format) {
  const object = { Name: name, Type: type, Status: status, Records: records, By: by, Why: why };
  return kind === 'json' ? object : printableTexts(object);
}
