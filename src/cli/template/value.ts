/**
 * What a template can hold in its hands: plain data, and two things more.
 *
 * Go tells a struct from a map, and JSON does not: a struct has the fields that it has, and another one is a mistake;
 * the keys of a map are data, and a missing one is `<no value>`. So an object is a struct here, and a `Map` is a map.
 */
import { order } from '../../values/order.ts';

export type Value = undefined | null | boolean | number | string | readonly Value[] | ValueMap | Fields | Method;
export type ValueMap = ReadonlyMap<string, Value>;
/** A struct. Fields that are functions are methods: `{{.Label "key"}}`. */
export interface Fields {
  readonly [name: string]: Value;
}
export type Method = (given: readonly Value[]) => Value;

export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

export function isMap(value: Value): value is ValueMap {
  return value instanceof Map;
}

export function isFields(value: Value): value is Fields {
  return typeof value === 'object' && value !== null && !isList(value) && !isMap(value);
}

/** Go's truth: nothing, false, 0 and what is empty are false; a struct is true. */
export function isTrue(value: Value): boolean {
  if (isList(value)) return value.length > 0;
  if (isMap(value)) return value.size > 0;
  return Boolean(value);
}

/** Keys in order, as Go walks a map. */
export function sortedEntries(map: ValueMap): readonly (readonly [key: string, value: Value])[] {
  return [...map].toSorted(([a], [b]) => order(a, b));
}

/** A field of a struct that is there: not what every object of JavaScript inherits. */
export function fieldOf(fields: Fields, name: string): Value {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

/**
 * Parsed JSON as a value.
 *
 * @param maps the names of those fields whose object is a map
 */
export function fromJson(data: unknown, maps: ReadonlySet<string>): Value {
  if (Array.isArray(data)) return data.map((item) => fromJson(item, maps));
  if (typeof data !== 'object' || data === null) return data as Value;
  return Object.fromEntries(
    Object.entries(data).map(([name, field]) => [
      name,
      maps.has(name) ? mapFromJson(field, maps) : fromJson(field, maps),
    ]),
  );
}

function mapFromJson(data: unknown, maps: ReadonlySet<string>): Value {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return fromJson(data, maps);
  return new Map(Object.entries(data).map(([key, item]) => [key, fromJson(item, maps)]));
}

/** On one line, as the function `json` writes it. */
export function toJson(value: Value): string {
  return JSON.stringify(value ?? null, (_name, field: Value) =>
    isMap(field) ? Object.fromEntries(sortedEntries(field)) : field,
  );
}
