/** `gangway ps`: lists containers. */
import type { ContainerSummary } from '../../engine/engine.ts';
import { formatHost } from '../../values/address.ts';
import { humanDuration } from '../../values/age.ts';
import { shortId } from '../../values/id.ts';
import { order } from '../../values/order.ts';
import type { Port, PortBinding } from '../../values/port.ts';
import type { Execute } from '../command.ts';
import type { psOptions } from '../container-options.ts';
import { type FilterKey, matchesPattern, parseFilters, passesFilters } from '../filter.ts';
import { parseListFormat } from '../format.ts';
import { formatIds, formatList, goLocalTime, type Layout, labelFields } from '../list-output.ts';

export const ps: Execute<typeof psOptions> = async ({ options }, context) => {
  const filters = parseFilters(options.filter, filterKeys);
  const whole = options['no-trunc'];
  const list = layout(whole);
  const format = await parseListFormat(options.format, list);
  const engine = await context.engine();
  const all = options.all || filters.has('status');
  const found = (await engine.list({ all })).filter((container) => passesFilters(container, filters));
  // As in Docker, `ps -q` ignores --format.
  context.stdout.write(options.quiet ? formatIds(found, whole) : formatList(found, format, list));
  return 0;
};

const filterKeys: Readonly<Record<string, FilterKey<ContainerSummary>>> = {
  id: { matches: ({ id }, value) => id.startsWith(value) },
  // Docker's names begin with a slash, and scripts for Docker filter by it.
  name: { matches: ({ name }, value) => matchesPattern(name, value) || matchesPattern(`/${name}`, value) },
  network: {
    matches: ({ networks }, value) =>
      networks.some(({ id, name }) => name === value || (value !== '' && id?.startsWith(value) === true)),
  },
  status: {
    matches: ({ state }, value) => state === value,
    // Docker's states; a container of gangway is never paused or dead.
    values: ['created', 'running', 'restarting', 'removing', 'exited', 'paused', 'dead'],
  },
};

const layout = (whole: boolean): Layout<ContainerSummary> => ({
  fields: {
    Command: ['COMMAND', ({ command }) => quotedCommand(command.join(' '), whole)],
    CreatedAt: ['CREATED AT', ({ createdAt }) => goLocalTime(createdAt)],
    ID: ['CONTAINER ID', ({ id }) => shortId(id, whole)],
    ...labelFields(() => ({})),
    Names: ['NAMES', ({ name }) => name],
    Networks: ['NETWORKS', ({ networks }) => networks.map(({ name }) => name).join(',')],
    Ports: ['PORTS', ({ ports, exposed }) => formatPorts(ports, exposed)],
    RunningFor: ['CREATED', ({ createdAt }) => `${humanDuration(Date.now() - createdAt.getTime())} ago`],
    State: ['STATE', ({ state }) => state],
    Status: ['STATUS', ({ status }) => status],
  },
  columns: ['ID', 'Command', 'RunningFor', 'Status', 'Ports', 'Networks', 'Names'],
});

function quotedCommand(command: string, whole: boolean): string {
  return JSON.stringify(whole || command.length <= 20 ? command : `${command.slice(0, 19)}…`);
}

/** A port of the column: exposed (without a host address), or published. */
interface ListedPort {
  readonly host: string;
  readonly hostPort: number;
  readonly port: number;
  readonly protocol: string;
}

/**
 * Formats the PORTS column: `0.0.0.0:8080->80/tcp, [::]:8080->80/tcp`.
 *
 * As in Docker, consecutive ports form a range if they are only exposed, or if host port and container port are equal:
 * `0.0.0.0:8000-8002->8000-8002/tcp`. Ranges come first.
 */
export function formatPorts(bindings: readonly PortBinding[], exposed: readonly Port[]): string {
  const open = new Map<string, { first: ListedPort; last: number }>();
  const ranges: string[] = [];
  const single: string[] = [];
  for (const entry of listedPorts(bindings, exposed)) {
    if (entry.host !== '' && entry.hostPort !== entry.port) {
      single.push(`${entry.host}:${entry.hostPort}->${entry.port}/${entry.protocol}`);
      continue;
    }
    const key = `${entry.host}/${entry.protocol}`;
    const range = open.get(key);
    if (range !== undefined && entry.port === range.last + 1) {
      range.last = entry.port;
      continue;
    }
    if (range !== undefined) ranges.push(formatPortRange(range.first, range.last));
    open.set(key, { first: entry, last: entry.port });
  }
  const rest = [...open.values()].map(({ first, last }) => formatPortRange(first, last));
  return [...ranges, ...rest, ...single].join(', ');
}

function listedPorts(bindings: readonly PortBinding[], exposed: readonly Port[]): readonly ListedPort[] {
  return [
    ...exposed.map(({ port, protocol }) => ({ host: '', hostPort: 0, port, protocol })),
    ...bindings.map(({ hostAddress, hostPort, containerPort, protocol }) => {
      return { host: formatHost(hostAddress), hostPort, port: containerPort, protocol };
    }),
  ].sort(
    (a, b) => a.port - b.port || order(a.host, b.host) || a.hostPort - b.hostPort || order(a.protocol, b.protocol),
  );
}

function formatPortRange({ host, port, protocol }: ListedPort, last: number): string {
  const ports = port === last ? String(port) : `${port}-${last}`;
  return host === '' ? `${ports}/${protocol}` : `${host}:${ports}->${ports}/${protocol}`;
}
