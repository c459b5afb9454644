/** Values as docker writes them. */
import { GangwayError } from '../values/errors.ts';

/** The beginning of an id that people type. */
export function shortId(id: string, whole = false): string {
  return whole ? id : id.slice(0, 12);
}

/** What `--format` asks for. @throws GangwayError invalid-option */
export function parseFormat(text: string | undefined): 'table' | 'json' {
  if (text === undefined || text === 'table') return 'table';
  if (text === 'json') return 'json';
  throw new GangwayError('invalid-option', `--format ${JSON.stringify(text)} is not accepted`, {
    hint: `write --format json, and pick a field with jq: \`… --format json | jq -r ${field(text)}\``,
  });
}

/** Of a Go template that shows one field, the words that do the same in jq(1). */
function field(template: string): string {
  return /^\{\{ *(?:json +)?((?:\.[A-Za-z]\w*)+) *\}\}$/.exec(template)?.[1] ?? '.FIELD';
}

/** One JSON object a line, so that line tools can read it. */
export function jsonLines(objects: readonly object[]): string {
  return objects.map((object) => `${JSON.stringify(object)}\n`).join('');
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
