/** Output of commands that print a list: a table, JSON lines, or a template for each row. */
import { localTime } from '../sys/local-time.ts';
import { shortId } from '../values/id.ts';
import { order } from '../values/order.ts';
import type { Format } from './format.ts';
import { jsonLines } from './printable.ts';
import { type Method, TemplateFault, type Value } from './template/value.ts';

/** The fields of one row. All values are text, as in Docker. */
export type Row<Name extends string> = Readonly<Record<Name, string>>;

/** Fields and table columns of a list. */
export interface Layout<Name extends string> {
  readonly headings: Row<Name>;
  /** Columns of the table, from left to right. */
  readonly columns: readonly Name[];
}

/**
 * Formats the rows.
 *
 * @param plain replaces the table
 * @throws UsageError if a row lacks a field of the template
 */
export function formatRows<Name extends string>(
  rows: readonly Row<Name>[],
  format: Format,
  { headings, columns }: Layout<Name>,
  plain?: string,
): string {
  if (format.kind === 'json') return jsonLines(rows);
  if (format.kind === 'plain') {
    return plain ?? formatTable([headings, ...rows].map((row) => columns.map((column) => row[column])));
  }
  const { template, heading } = format;
  const texts = rows.map((row) => template.execute(row));
  if (heading === undefined) return texts.map((text) => `${text}\n`).join('');
  const lines = [heading, ...texts].flatMap((text) => text.split('\n'));
  return formatTable(lines.map((line) => line.split('\t')));
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

/** Label fields of a row: all labels as `a=b,c=d`, and one label by `{{.Label "a"}}`. */
export function labelFields(labels: Readonly<Record<string, string>>) {
  const pairs = Object.entries(labels).toSorted(([a], [b]) => order(a, b));
  return {
    Labels: pairs.map(([key, value]) => `${key}=${value}`).join(','),
    Label: ((args) => new Map(pairs).get(labelName(args)) ?? '') satisfies Method,
  };
}

/** Headings of the label fields. The heading of `com.example.data-center` is `data center`. */
export const labelHeadings = {
  Labels: 'LABELS',
  Label: ((args) => (labelName(args).split('.').at(-1) ?? '').replace(/[-_]/g, ' ')) satisfies Method,
} as const;

function labelName(args: readonly Value[]): string {
  const [name] = args;
  if (args.length === 1 && typeof name === 'string') return name;
  throw new TemplateFault('.Label takes the name of one label', 'write {{.Label "name"}}');
}
