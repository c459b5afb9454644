/** `gangway ps` */

import type { ContainerSummary } from '../../engine/engine.ts';
import { humanDuration } from '../../values/age.ts';
import { shortId } from '../../values/id.ts';
import type { Execute } from '../command.ts';
import { type FilterKey, parseFilters, passes, resembles } from '../filter.ts';
import { parseListFormat } from '../format.ts';
import type { listOptions } from '../options.ts';
import { formatPorts } from '../ports-column.ts';
import { formatRows, goLocalSecond, labelFields, labelHeadings } from '../rows.ts';

const filterKeys: Readonly<Record<string, FilterKey<ContainerSummary>>> = {
  id: { test: ({ id }, value) => id.startsWith(value) },
  // Docker's own names begin with a slash, and its scripts say so.
  name: { test: ({ name }, value) => resembles(name, value) || resembles(`/${name}`, value) },
  network: {
    test: ({ networks }, value) =>
      networks.some(({ id, name }) => name === value || (value !== '' && id?.startsWith(value) === true)),
  },
  status: {
    test: ({ state }, value) => state === value,
    // Docker's; no container of ours is ever in one of the last two.
    values: ['created', 'running', 'restarting', 'removing', 'exited', 'paused', 'dead'],
  },
};

export const execute: Execute<typeof listOptions> = async ({ options }, context) => {
  const filters = parseFilters(options.filter, filterKeys);
  const format = await parseListFormat(options.format, layout.headings);
  const whole = options['no-trunc'];
  const engine = await context.engine();
  const all = options.all || filters.has('status');
  const found = (await engine.list({ all })).filter((container) => passes(container, filters));
  if (options.quiet) {
    context.stdout.write(found.map(({ id }) => `${shortId(id, whole)}\n`).join(''));
  } else {
    const rows = found.map((container) => row(container, whole));
    context.stdout.write(formatRows(rows, format, layout));
  }
  return 0;
};

const layout = {
  headings: {
    Command: 'COMMAND',
    CreatedAt: 'CREATED AT',
    ID: 'CONTAINER ID',
    ...labelHeadings,
    Names: 'NAMES',
    Networks: 'NETWORKS',
    Ports: 'PORTS',
    RunningFor: 'CREATED',
    State: 'STATE',
    Status: 'STATUS',
  },
  columns: ['ID', 'Command', 'RunningFor', 'Status', 'Ports', 'Networks', 'Names'],
} as const;

/** Docker's names, and like there every value is a text. */
function row(container: ContainerSummary, whole: boolean) {
  const command = container.command.join(' ');
  return {
    Command: JSON.stringify(whole || command.length <= 20 ? command : `${command.slice(0, 19)}…`),
    // Only who asks for it has to load the C library.
    get CreatedAt() {
      return goLocalSecond(container.createdAt);
    },
    ID: shortId(container.id, whole),
    ...labelFields({}),
    Names: container.name,
    Networks: container.networks.map(({ name }) => name).join(','),
    Ports: formatPorts(container.ports, container.exposed),
    RunningFor: `${humanDuration(Date.now() - container.createdAt.getTime())} ago`,
    State: container.state,
    Status: container.status,
  };
}
