/** Output of commands that print a list: a table, JSON lines, or a template for each row. */
import { localTime } from '../sys/local-time.ts';
import { shortId } from '../values/id.ts';
import { order } from '../values/order.ts';
import type { Format } from './format.ts';
import { jsonLines } from './printable.ts';
import { type Fields, type Method, TemplateFault, type Value } from './template/value.ts';

/** A field of a list: its heading, and its value, which is text as in Docker. A function is a method of the template. */
type Field<T> = readonly [heading: string | Method, value: (item: T) => string | Method];

/** The fields of a list, and the columns of its table from left to right. */
export interface Layout<T> {
  readonly fields: Readonly<Record<string, Field<T>>>;
  readonly columns?: readonly string[];
}

/**
 * Formats a list.
 *
 * @param plain replaces the table
 * @throws UsageError if the template cannot be rendered
 */
export function formatList<T>(items: readonly T[], format: Format, layout: Layout<T>, plain?: string): string {
  const { fields, columns = [] } = layout;
  if (format.kind === 'plain') {
    const row = (cell: (field: Field<T>) => string | Method) =>
      columns.map((name) => String(cell(fields[name] ?? ['', () => ''])));
    return plain ?? formatTable([row(([heading]) => heading), ...items.map((item) => row(([, value]) => value(item)))]);
  }
  const rows = items.map((item) => lazyRow(item, layout));
  if (format.kind === 'json') return jsonLines(rows);
  const { template, heading } = format;
  const texts = rows.map((row) => template.execute(row));
  if (heading === undefined) return texts.map((text) => `${text}\n`).join('');
  const lines = [heading, ...texts].flatMap((text) => text.split('\n'));
  return formatTable(lines.map((line) => line.split('\t')));
}

/** Creates a row whose fields are computed when they are read: some are slow. */
function lazyRow<T>(item: T, { fields }: Layout<T>): Fields {
  const getters = Object.entries(fields).map(([name, [, value]]) => [
    name,
    { enumerable: true, get: () => value(item) },
  ]);
  return Object.defineProperties({}, Object.fromEntries(getters));
}

/** Formats the IDs for `--quiet`, one a line. */
export function formatIds(items: readonly { readonly id: string }[], whole: boolean): string {
  return items.map(({ id }) => `${shortId(id, whole)}\n`).join('');
}

const gap = 3;
const minimumWidth = 10;

/** Formats a table as Docker does: left-aligned columns of at least 10 characters, 3 spaces apart, the last not padded. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const width = (text: string) => [...text].length;
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(minimumWidth, ...rows.map((row) => width(row[column] ?? '') + gap)),
  );
  const pad = (cell: string, to = 0) => cell + ' '.repeat(Math.max(0, to - width(cell)));
  const line = (row: readonly string[]) =>
    row.map((cell, column) => (column === row.length - 1 ? cell : pad(cell, widths[column]))).join('');
  return rows.map((row) => `${line(row).trimEnd()}\n`).join('');
}

/** Formats a time as Go does, in seconds and local time: `2026-01-02 14:23:37 +0100 CET`. */
export function goLocalTime(time: Date): string {
  return localTime(time, '%Y-%m-%d %H:%M:%S %z %Z');
}

/** Formats a time as Go does, in UTC: `2026-01-02 13:23:37.5 +0000 UTC`. */
export function goTime(time: Date): string {
  return time
    .toISOString()
    .replace('T', ' ')
    .replace(/\.?0*Z$/, ' +0000 UTC');
}

/**
 * Returns the label fields of a list: all labels as `a=b,c=d`, and one label by `{{.Label "a"}}`. The heading of
 * `com.example.data-center` is `data center`.
 */
export function labelFields<T>(labelsOf: (item: T) => Readonly<Record<string, string>>) {
  const pairs = (item: T) => Object.entries(labelsOf(item)).toSorted(([a], [b]) => order(a, b));
  const heading: Method = (args) => (labelName(args).split('.').at(-1) ?? '').replace(/[-_]/g, ' ');
  const value = (item: T): Method => {
    return (args) => new Map(pairs(item)).get(labelName(args)) ?? '';
  };
  const all = (item: T) =>
    pairs(item)
      .map((pair) => pair.join('='))
      .join(',');
  return { Labels: ['LABELS', all], Label: [heading, value] } as const satisfies Layout<T>['fields'];
}

function labelName(args: readonly Value[]): string {
  const [name] = args;
  if (args.length === 1 && typeof name === 'string') return name;
  throw new TemplateFault('.Label takes the name of one label', 'write {{.Label "name"}}');
}
