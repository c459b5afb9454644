/** How things are written: what `--format` asks for, sizes. */

import { printableJson } from './format-error.ts';
import { UsageError } from './grammar.ts';
import type { Template, TemplateOptions } from './template/template.ts';
import type { Fields } from './template/value.ts';

/** What `--format` asks for; `plain`: what the command shows of itself. */
export type Format =
  | { readonly kind: 'plain' }
  | { readonly kind: 'json' }
  /** With a `heading`: a table, whose cells are parted by tabs. */
  | { readonly kind: 'template'; readonly template: Template; readonly heading?: string };

/**
 * Reads the `--format` of a command that prints objects: `json`, or a template.
 *
 * @throws UsageError with 64, docker's exit status for a template that can't be read here
 */
export async function parseFormat(text: string | undefined): Promise<Format> {
  return parseKeyword(text, 64) ?? { kind: 'template', template: await readTemplate(text, { exitStatus: 64 }) };
}

/**
 * Reads the `--format` of a command that prints lines: `table`, `json`, a template, or `table` and a template.
 *
 * The template is tried on the headings, which have all the fields of a line, so that a field that no line has is told
 * before anything is asked.
 *
 * @throws UsageError
 */
export async function parseListFormat(text: string | undefined, headings: Fields): Promise<Format> {
  const keyword = parseKeyword(text, 1);
  if (keyword !== undefined) return keyword;
  const [, table, source] = /^(table)?[ \t]*(.*)$/s.exec(text ?? '') ?? [];
  const template = await readTemplate(source?.replace(/ +$/, ''), { escapes: true });
  const heading = template.heading(headings);
  return table === undefined ? { kind: 'template', template } : { kind: 'template', template, heading };
}

function parseKeyword(text: string | undefined, exitStatus: 1 | 64): Format | undefined {
  if (text === undefined || text === '' || text === 'table') return { kind: 'plain' };
  if (text === 'json') return { kind: 'json' };
  if (text.includes('{{')) return undefined;
  throw new UsageError(
    `--format ${JSON.stringify(text)} names no field; write json, table or a template such as '{{.Name}}'`,
    exitStatus,
  );
}

async function readTemplate(source = '', options: TemplateOptions): Promise<Template> {
  const { parseTemplate } = await import('./template/template.ts');
  return parseTemplate(source, options);
}

/** One JSON object a line, so that line tools can read it. */
export function jsonLines(objects: readonly object[]): string {
  return objects.map((object) => `${printableJson(object)}\n`).join('');
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
