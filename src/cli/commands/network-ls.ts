/** `gangway network ls` */
import type { NetworkSummary } from '../../engine/engine.ts';
import type { Execute } from '../command.ts';
import { type FilterKey, parseFilters, passes } from '../filter.ts';
import { parseListFormat, shortId } from '../format.ts';
import type { networkListOptions } from '../options.ts';
import { formatRows, labelFields, labelHeadings } from '../rows.ts';

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
  const format = await parseListFormat(options.format, layout.headings);
  const whole = options['no-trunc'];
  const engine = await context.engine();
  const found = (await engine.listNetworks()).filter((network) => passes(network, filters));
  if (options.quiet && format.kind === 'plain') {
    context.stdout.write(found.map(({ id }) => `${shortId(id, whole)}\n`).join(''));
  } else {
    const rows = found.map((network) => row(network, whole));
    context.stdout.write(formatRows(rows, format, layout));
  }
  return 0;
};

const layout = {
  headings: {
    CreatedAt: 'CREATED AT',
    Driver: 'DRIVER',
    ID: 'NETWORK ID',
    IPv6: 'IPV6',
    Internal: 'INTERNAL',
    Name: 'NAME',
    Scope: 'SCOPE',
    ...labelHeadings,
  },
  columns: ['ID', 'Name', 'Driver', 'Scope'],
} as const;

/** Docker's names, and like there every value is a text. */
function row({ id, name, driver, scope, createdAt }: NetworkSummary, whole: boolean) {
  return {
    CreatedAt: createdAt.toISOString(),
    Driver: driver,
    ID: shortId(id, whole),
    IPv6: 'false',
    Internal: 'false',
    Name: name,
    Scope: scope,
    ...labelFields({}),
  };
}
