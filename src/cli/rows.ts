/** Lists: one row a line, as a table, as JSON or as a template says. */

import { localTime } from '../sys/local-time.ts';
import { order } from '../values/order.ts';
import { type Format, jsonLines } from './format.ts';
import { formatTable } from './table.ts';
import { TemplateFault } from './template/fault.ts';
import type { Method, Value } from './template/value.ts';

/** What the placeholders of a template name. All values are texts, as docker has them. */
export type Row<Name extends string> = Readonly<Record<Name, string>>;

/** What a list can show. */
export interface Layout<Name extends string> {
  /** Of every field there is. */
  readonly headings: Row<Name>;
  /** Those of the table, from left to right. */
  readonly columns: readonly Name[];
}

/** The rows, ready to be printed. @throws UsageError where a template asks for what a row does not have */
export function formatRows<Name extends string>(
  rows: readonly Row<Name>[],
  format: Format,
  { headings, columns }: Layout<Name>,
): string {
  if (format.kind === 'json') return jsonLines(rows);
  if (format.kind === 'plain') {
    return formatTable([headings, ...rows].map((row) => columns.map((column) => row[column])));
  }
  const { template, heading } = format;
  const texts = rows.map((row) => template.execute(row));
  if (heading === undefined) return texts.map((text) => `${text}\n`).join('');
  const lines = [heading, ...texts].flatMap((text) => text.split('\n'));
  return formatTable(lines.map((line) => line.split('\t')));
}

/** The second of a moment as Go prints it, in the zone of who reads: `2026-01-02 14:23:37 +0100 CET`. */
export function goLocalSecond(moment: Date): string {
  return localTime(moment, '%Y-%m-%d %H:%M:%S %z %Z');
}

/** A moment as Go prints it: `2026-01-02 13:23:37.5 +0000 UTC`. */
export function goMoment(moment: Date): string {
  return moment
    .toISOString()
    .replace('T', ' ')
    .replace(/\.?0*Z$/, ' +0000 UTC');
}

/** The fields of whatever has labels: all of them as `a=b,c=d`, and one: `{{.Label "a"}}`. */
export function labelFields(labels: Readonly<Record<string, string>>) {
  const pairs = Object.entries(labels).toSorted(([a], [b]) => order(a, b));
  return {
    Labels: pairs.map(([key, value]) => `${key}=${value}`).join(','),
    Label: ((given) => new Map(pairs).get(labelName(given)) ?? '') satisfies Method,
  };
}

/** Their headings. A label's own is the last word of its name: `com.example.data-center` is `data center`. */
export const labelHeadings = {
  Labels: 'LABELS',
  Label: ((given) => (labelName(given).split('.').at(-1) ?? '').replace(/[-_]/g, ' ')) satisfies Method,
} as const;

function labelName(given: readonly Value[]): string {
  const [name] = given;
  if (given.length === 1 && typeof name === 'string') return name;
  throw new TemplateFault('.Label takes the name of one label', 'write {{.Label "name"}}');
}
