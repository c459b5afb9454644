/** `index`, `slice`, `len`: parts of lists, maps and texts. Texts count in bytes, as in Go. */
import { TemplateFault } from './fault.ts';
import { describeValue } from './print.ts';
import { fieldOf, isFields, isList, isMap, type Value, type ValueMap } from './value.ts';

/** One step into a value. @throws TemplateFault */
export function indexed(value: Value, key: Value): Value {
  if (isMap(value)) return typeof key === 'string' ? inMap(value, key) : wrongKey(key, 'a map has texts as keys');
  if (isFields(value)) return typeof key === 'string' ? fieldOf(value, key) : wrongKey(key, 'fields have names');
  const items = isList(value) ? value : typeof value === 'string' ? Buffer.from(value) : undefined;
  if (items === undefined)
    throw new TemplateFault(`${describeValue(value)} has no parts`, 'index takes a list or a map');
  if (typeof key !== 'number' || !Number.isInteger(key)) return wrongKey(key, 'a list counts its items: 0, 1, …');
  if (key < 0 || key >= items.length) throw outOfRange(key, items.length);
  return items[key];
}

/** Of a map of texts, a missing one is the empty text: `{{index .Config.Labels "k"}}`. */
function inMap(map: ValueMap, key: string): Value {
  if (map.has(key)) return map.get(key);
  return [...map.values()].every((item) => typeof item === 'string') ? '' : undefined;
}

function wrongKey(key: Value, hint: string): never {
  throw new TemplateFault(`${describeValue(key)} is no index here`, hint);
}

function outOfRange(index: number, length: number): TemplateFault {
  return new TemplateFault(`${index} is outside`, length === 0 ? 'it is empty' : `it has 0 to ${length - 1}`);
}

/** From `start` up to, not including, `end`. @throws TemplateFault */
export function sliced(value: Value, [start = 0, end]: readonly number[]): Value {
  const items = isList(value) ? value : typeof value === 'string' ? Buffer.from(value) : undefined;
  if (items === undefined)
    throw new TemplateFault(`${describeValue(value)} has no parts`, 'slice takes a list or a text');
  const last = end ?? items.length;
  if (start < 0 || last > items.length) throw outOfRange(start < 0 ? start : last, items.length + 1);
  if (start > last) throw new TemplateFault(`${start} is behind ${last}`, 'write the smaller one first');
  return isList(value) ? value.slice(start, last) : items.slice(start, last).toString();
}

/** @throws TemplateFault */
export function lengthOf(value: Value): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (isList(value)) return value.length;
  if (isMap(value)) return value.size;
  throw new TemplateFault(`${describeValue(value)} has no length`, 'len takes a list, a map or a text');
}
