/**
 * Values of a template, how Go prints them, and errors of a template.
 *
 * Go distinguishes structs and maps: an unknown field of a struct is an error, a missing key of a map is `<no value>`. Here,
 * an object is a struct and a `Map` is a map.
 */
import { order } from '../../values/order.ts';

export type Value = undefined | null | boolean | number | string | readonly Value[] | ValueMap | Fields | Method;
export type ValueMap = ReadonlyMap<string, Value>;
/** A struct. A field that is a function is a method: `{{.Label "key"}}`. */
export interface Fields {
  readonly [name: string]: Value;
}
export type Method = (args: readonly Value[]) => Value;

/** Error in a template; `at` is the offset in the text, if it is known. */
export class TemplateFault extends Error {
  override readonly name = 'TemplateFault';

  constructor(
    message: string,
    readonly hint?: string,
    readonly at?: number,
  ) {
    super(message);
  }
}

/** Runs `action`; adds the position, and a prefix if given, to an error without a position. */
export function withPosition<T>(at: number, action: () => T, prefix = ''): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof TemplateFault) || error.at !== undefined) throw error;
    throw new TemplateFault(prefix + error.message, error.hint, at);
  }
}

export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

export function isMap(value: Value): value is ValueMap {
  return value instanceof Map;
}

export function isFields(value: Value): value is Fields {
  return typeof value === 'object' && value !== null && !isList(value) && !isMap(value);
}

/** Go's truth: false, 0, nil and empty values are false; a struct is true. */
export function isTrue(value: Value): boolean {
  if (isList(value)) return value.length > 0;
  if (isMap(value)) return value.size > 0;
  return Boolean(value);
}

/** Returns the entries of a map in the order of their keys, as Go iterates. */
export function sortedEntries(map: ValueMap): readonly (readonly [key: string, value: Value])[] {
  return [...map].toSorted(([a], [b]) => order(a, b));
}

/** Converts parsed JSON. @param maps names of the fields whose object is a map */
export function fromJson(data: unknown, maps: ReadonlySet<string>, isMap = false): Value {
  if (Array.isArray(data)) return data.map((item) => fromJson(item, maps));
  if (typeof data !== 'object' || data === null) return data as Value;
  const entries = Object.entries(data).map(
    ([name, field]) => [name, fromJson(field, maps, !isMap && maps.has(name))] as const,
  );
  return isMap ? new Map(entries) : Object.fromEntries(entries);
}

/** Formats a value as JSON on one line. */
export function toJson(value: Value): string {
  return JSON.stringify(value ?? null, (_name, field: Value) =>
    isMap(field) ? Object.fromEntries(sortedEntries(field)) : field,
  );
}

/** Formats a value as Go does: `[a b]`, `map[key:value]`, `{a b}` for a struct. */
export function formatValue(value: Value): string {
  if (value === undefined || value === null) return '<nil>';
  if (isList(value)) return `[${value.map(formatValue).join(' ')}]`;
  if (isMap(value)) {
    const entries = sortedEntries(value).map(([key, item]) => `${key}:${formatValue(item)}`);
    return `map[${entries.join(' ')}]`;
  }
  if (typeof value === 'object') {
    const fields = Object.values(value).filter((field) => typeof field !== 'function');
    return `{${fields.map(formatValue).join(' ')}}`;
  }
  return typeof value === 'function' ? 'a method' : String(value);
}

/** Describes a value in an error. */
export function describeValue(value: Value): string {
  if (value === undefined || value === null) return 'nil';
  if (typeof value === 'string') return JSON.stringify(value);
  if (isList(value)) return 'a list';
  if (isMap(value)) return 'a map';
  return typeof value === 'object' ? 'an object' : formatValue(value);
}
