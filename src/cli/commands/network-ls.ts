/** `gangway network ls` */
import type { NetworkSummary } from '../../engine/engine.ts';
import type { Execute } from '../command.ts';
import { type FilterKey, parseFilters, passes } from '../filter.ts';
import { jsonLines, parseFormat, shortId } from '../format.ts';
import type { networkListOptions } from '../options.ts';
import { formatTable } from '../table.ts';

const predefined = ['bridge', 'host', 'none'];

const filterKeys: Readonly<Record<string, FilterKey<NetworkSummary>>> = {
  driver: { test: ({ driver }, value) => driver === value },
  id: { test: ({ id }, value) => id.includes(value) },
  name: { test: ({ name }, value) => name.includes(value) },
  scope: { test: ({ scope }, value) => scope === value, values: ['local', 'global', 'swarm'] },
  type: {
    test: ({ name }, value) => (value === 'builtin') === predefined.includes(name),
    values: ['builtin', 'custom'],
  },
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
