/** The `--format` option, and sizes. */
import { UsageError } from './grammar.ts';
import { jsonLines } from './printable.ts';
import type { Template, TemplateOptions } from './template/template.ts';
import { fromJson, type Value } from './template/value.ts';

/** A parsed `--format`. `plain` is the default output of the command. */
export type Format =
  | { readonly kind: 'plain' }
  | { readonly kind: 'json' }
  /** A `heading` means a table, with tabs between the cells. */
  | { readonly kind: 'template'; readonly template: Template; readonly heading?: string };

/**
 * Parses the `--format` of a command that prints objects: `json`, or a template.
 *
 * @throws UsageError with status 64, as Docker exits for a template with a syntax error
 */
export async function parseFormat(text: string | undefined): Promise<Format> {
  return parseKeyword(text, 64) ?? { kind: 'template', template: await parseText(text, { exitStatus: 64 }) };
}

/** Fields of a list (list-output.ts), of which the first element is the heading. */
interface ListFields {
  readonly fields: Readonly<Record<string, readonly [heading: Value, ...unknown[]]>>;
}

/**
 * Parses the `--format` of a command that prints a list: `table`, `json`, a template, or `table` and a template.
 *
 * Executes the template on the headings, which have all fields of a row: an unknown field fails before the command
 * does anything.
 *
 * @throws UsageError
 */
export async function parseListFormat(text: string | undefined, { fields }: ListFields): Promise<Format> {
  const keyword = parseKeyword(text, 1);
  if (keyword !== undefined) return keyword;
  const [, table, source] = /^(table)?[ \t]*(.*)$/s.exec(text ?? '') ?? [];
  const template = await parseText(source?.replace(/ +$/, ''), { escapes: true });
  const headings = Object.entries(fields).map(([name, [heading]]) => [name, heading]);
  const heading = template.heading(Object.fromEntries(headings));
  return table === undefined ? { kind: 'template', template } : { kind: 'template', template, heading };
}

function parseKeyword(text: string | undefined, exitStatus: 1 | 64): Format | undefined {
  if (text === undefined || text === '' || text === 'table') return { kind: 'plain' };
  if (text === 'json') return { kind: 'json' };
  if (text.includes('{{')) return undefined;
  throw new UsageError(
    `invalid --format ${JSON.stringify(text)}: no field; write json, table or a template such as '{{.Name}}'`,
    exitStatus,
  );
}

async function parseText(source = '', options: TemplateOptions): Promise<Template> {
  const { parseTemplate } = await import('./template/template.ts');
  return parseTemplate(source, options);
}

/** Fields whose object is a map: its keys are data, and a missing key is not an error. */
const maps: ReadonlySet<string> = new Set([
  'AuxiliaryAddresses',
  'Containers',
  'DriverOpts',
  'ExposedPorts',
  'Labels',
  'Networks',
  'Options',
  'PortBindings',
  'Ports',
  'Relayed',
  'Subnets',
  'Sysctls',
]);

/** Formats one object. @throws UsageError if the object lacks a field of the template */
export function formatObject(object: object, format: Exclude<Format, { readonly kind: 'plain' }>): string {
  if (format.kind === 'json') return jsonLines([object]);
  return `${format.template.execute(fromJson(JSON.parse(JSON.stringify(object)), maps))}\n`;
}

/** Formats bytes in units of 1024: `1.5MiB`. */
export function binarySize(bytes: number): string {
  return scaled(bytes, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'], 4);
}

/** Formats bytes in units of 1000: `1.45kB`. */
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
