/** `gangway network ls` */
import type { NetworkSummary } from '../../engine/engine.ts';
import type { Execute } from '../command.ts';
import { parseFilters, passes } from '../filter.ts';
import { jsonLines, parseFormat, shortId } from '../format.ts';
import type { networkListOptions } from '../options.ts';
import { formatTable } from '../table.ts';

const predefined = ['bridge', 'host', 'none'];

const filterKeys = {
  driver: ({ driver }: NetworkSummary, value: string) => driver === value,
  id: ({ id }: NetworkSummary, value: string) => id.includes(value),
  name: ({ name }: NetworkSummary, value: string) => name.includes(value),
  scope: ({ scope }: NetworkSummary, value: string) => scope === value,
  type: ({ name }: NetworkSummary, value: string) => (value === 'builtin') === predefined.includes(name),
};

export const execute: Execute<typeof networkListOptions> = async ({ options }, context) => {
  const filters = parseFilters(options.filter, filterKeys);
  const format = parseFormat(options.format);
  const whole = options['no-trunc'];
  const engine = await context.engine();
  const found = (await engine.listNetworks()).filter((network) => passes(network, filters));
  const rows = found.map(({ id, name, driver, scope, createdAt }) => {
    return { CreatedAt: createdAt.toISOString(), Driver: driver, ID: shortId(id, whole), Name: name, Scope: scope };
  });
  if (options.quiet) {
    context.stdout.write(rows.map(({ ID }) => `${ID}\n`).join(''));
  } else if (format === 'json') {
    context.stdout.write(jsonLines(rows));
  } else {
    const cells = rows.map(({ ID, Name, Driver, Scope }) => [ID, Name, Driver, Scope]);
    context.stdout.write(formatTable([['NETWORK ID', 'NAME', 'DRIVER', 'SCOPE'], ...cells]));
  }
  return 0;
};
