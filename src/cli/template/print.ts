/** Values as Go prints them. */
import { isList, isMap, sortedEntries, type Value } from './value.ts';

/** What an action leaves in the output: `[a b]`, `map[key:value]`, `{a b}` for a struct. */
export function printValue(value: Value): string {
  return value === undefined || value === null ? '<no value>' : formatValue(value);
}

/** The same, where it stands among others: nothing is `<nil>`. */
export function formatValue(value: Value): string {
  if (value === undefined || value === null) return '<nil>';
  if (isList(value)) return `[${value.map(formatValue).join(' ')}]`;
  if (isMap(value)) {
    return `map[${sortedEntries(value)
      .map(([key, item]) => `${key}:${formatValue(item)}`)
      .join(' ')}]`;
  }
  if (typeof value === 'object') {
    const fields = Object.values(value).filter((field) => typeof field !== 'function');
    return `{${fields.map(formatValue).join(' ')}}`;
  }
  return typeof value === 'function' ? 'a method' : String(value);
}

/** A value in a sentence. */
export function describeValue(value: Value): string {
  if (value === undefined || value === null) return 'nothing';
  if (typeof value === 'string') return JSON.stringify(value);
  if (isList(value)) return 'a list';
  if (isMap(value)) return 'a map';
  return typeof value === 'object' ? 'an object' : formatValue(value);
}

/** `print`: blanks between neighbours of which none is a text. */
export function printAll(values: readonly Value[]): string {
  const blank = (index: number) => index > 0 && [values[index - 1], values[index]].every((v) => typeof v !== 'string');
  return values.map((value, index) => `${blank(index) ? ' ' : ''}${formatValue(value)}`).join('');
}
