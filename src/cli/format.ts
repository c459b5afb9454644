/** Values as docker writes them. */
import { formatHost } from '../values/address.ts';
import { GangwayError } from '../values/errors.ts';
import type { Port, PortBinding } from '../values/port.ts';

/** The beginning of an id that people type. */
export function shortId(id: string, whole = false): string {
  return whole ? id : id.slice(0, 12);
}

/** What `--format` asks for. @throws GangwayError invalid-option */
export function parseFormat(text: string | undefined): 'table' | 'json' {
  if (text === undefined || text === 'table') return 'table';
  if (text === 'json') return 'json';
  throw new GangwayError('invalid-option', `--format ${JSON.stringify(text)} is unknown`, {
    hint: 'use table or json',
  });
}

/** One JSON object a line, so that line tools can read it. */
export function jsonLines(objects: readonly object[]): string {
  return objects.map((object) => `${JSON.stringify(object)}\n`).join('');
}

const longer: readonly (readonly [unit: string, seconds: number, upTo: number])[] = [
  ['minutes', 60, 60 * 60],
  ['hours', 3600, 48 * 3600],
  ['days', 86_400, 14 * 86_400],
  ['weeks', 7 * 86_400, 60 * 86_400],
  ['months', 30 * 86_400, 2 * 365 * 86_400],
];

/** A time span in the largest unit that says enough: `3 seconds`, `About an hour`, `5 weeks`. */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 1) return 'Less than a second';
  if (seconds === 1) return '1 second';
  if (seconds < 60) return `${seconds} seconds`;
  if (seconds < 120) return 'About a minute';
  if (seconds >= 3600 && Math.round(seconds / 3600) === 1) return 'About an hour';
  const [unit, size] = longer.find(([, , upTo]) => seconds < upTo) ?? ['years', 365 * 86_400];
  return `${unit === 'hours' ? Math.round(seconds / size) : Math.floor(seconds / size)} ${unit}`;
}

/** Bytes in units of 1024: `1.5MiB`. */
export function binarySize(bytes: number): string {
  return scaled(bytes, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'], 4);
}

/** Bytes in units of 1000: `1.45kB`. */
export function decimalSize(bytes: number): string {
  return scaled(bytes, 1000, ['B', 'kB', 'MB', 'GB', 'TB', 'PB'], 3);
}

function scaled(bytes: number, base: number, units: readonly string[], digits: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= base && unit < units.length - 1) {
    value /= base;
    unit++;
  }
  return `${Number(value.toPrecision(digits))}${units[unit]}`;
}

/** A port as it is listed: exposed only, or published at an address of the host. */
interface Listed {
  readonly host: string;
  readonly hostPort: number;
  readonly port: number;
  readonly protocol: string;
}

/**
 * The ports column of `ps`: `0.0.0.0:8080->80/tcp, [::]:8080->80/tcp`.
 *
 * Neighbouring ports are drawn together as docker does it, which is where they are exposed only or where host and
 * container have the same numbers: `0.0.0.0:8000-8002->8000-8002/tcp`. Those come first.
 */
export function formatPorts(bindings: readonly PortBinding[], exposed: readonly Port[]): string {
  const open = new Map<string, { first: Listed; last: number }>();
  const runs: string[] = [];
  const single: string[] = [];
  for (const entry of listed(bindings, exposed)) {
    if (entry.host !== '' && entry.hostPort !== entry.port) {
      single.push(`${entry.host}:${entry.hostPort}->${entry.port}/${entry.protocol}`);
      continue;
    }
    const key = `${entry.host}/${entry.protocol}`;
    const run = open.get(key);
    if (run !== undefined && entry.port === run.last + 1) {
      run.last = entry.port;
      continue;
    }
    if (run !== undefined) runs.push(formatRun(run.first, run.last));
    open.set(key, { first: entry, last: entry.port });
  }
  const rest = [...open.values()].map(({ first, last }) => formatRun(first, last));
  return [...runs, ...rest, ...single].join(', ');
}

function listed(bindings: readonly PortBinding[], exposed: readonly Port[]): readonly Listed[] {
  return [
    ...exposed.map(({ port, protocol }) => ({ host: '', hostPort: 0, port, protocol })),
    ...bindings.map(({ hostAddress, hostPort, containerPort, protocol }) => {
      return { host: formatHost(hostAddress), hostPort, port: containerPort, protocol };
    }),
  ].sort(
    (a, b) => a.port - b.port || order(a.host, b.host) || a.hostPort - b.hostPort || order(a.protocol, b.protocol),
  );
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function formatRun({ host, port, protocol }: Listed, last: number): string {
  const ports = port === last ? String(port) : `${port}-${last}`;
  return host === '' ? `${ports}/${protocol}` : `${host}:${ports}->${ports}/${protocol}`;
}
