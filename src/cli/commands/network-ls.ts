/** `gangway network ls` */
import type { NetworkSummary } from '../../engine/engine.ts';
import { shortId } from '../../values/id.ts';
import { predefinedNames } from '../../values/network.ts';
import type { Execute } from '../command.ts';
import { type FilterKey, hasLabel, parseFilters, passes, resembles } from '../filter.ts';
import { parseListFormat } from '../format.ts';
import type { networkListOptions } from '../options.ts';
import { formatRows, goMoment, labelFields, labelHeadings } from '../rows.ts';

const filterKeys: Readonly<Record<string, FilterKey<NetworkSummary>>> = {
  dangling: {
    // What is always there is never left behind.
    test: ({ name, dangling }, value) => (dangling && !predefinedNames.includes(name)) === /^(1|t)/i.test(value),
    values: ['true', 'false', 'True', 'False', 'TRUE', 'FALSE', 't', 'f', 'T', 'F', '1', '0'],
  },
  driver: { test: ({ driver }, value) => driver === value },
  id: { test: ({ id }, value) => resembles(id, value) },
  label: { test: ({ labels }, value) => hasLabel(labels, value), several: true },
  name: { test: ({ name }, value) => resembles(name, value) },
  scope: { test: ({ scope }, value) => scope === value, values: ['local', 'global', 'swarm'] },
  type: {
    test: ({ name }, value) => (value === 'builtin') === predefinedNames.includes(name),
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
    ...labelHeadings,
    Name: 'NAME',
    Scope: 'SCOPE',
  },
  columns: ['ID', 'Name', 'Driver', 'Scope'],
} as const;

/** Docker's names, and like there every value is a text. */
function row({ id, name, driver, scope, createdAt, families, internal, labels }: NetworkSummary, whole: boolean) {
  return {
    CreatedAt: goMoment(createdAt),
    Driver: driver,
    ID: shortId(id, whole),
    IPv6: String(families.includes(6)),
    Internal: String(internal),
    ...labelFields(labels),
    Name: name,
    Scope: scope,
  };
}
