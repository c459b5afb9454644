/** `--filter key=value`: values of one key are alternatives, unless it is one of several at once; keys must all hold. */
import { cut } from '../values/literal.ts';
import { UsageError } from './grammar.ts';

/** What one key asks of an item. */
export interface FilterKey<T> {
  readonly test: (item: T, value: string) => boolean;
  /** All values that the key can have, where they can be listed. */
  readonly values?: readonly string[];
  /** An item has several of it, and has to have all that are asked for. */
  readonly several?: true;
}

/** By key: what it asks, and the values of which one must pass. */
export type Filters<T> = ReadonlyMap<string, FilterKey<T> & { readonly wanted: readonly string[] }>;

/** @throws UsageError for a key that `keys` does not have, or a value that its key can't have */
export function parseFilters<T>(texts: readonly string[], keys: Readonly<Record<string, FilterKey<T>>>): Filters<T> {
  const filters = new Map<string, FilterKey<T> & { wanted: string[] }>();
  for (const text of texts) {
    const [, name = '', value = ''] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
    const key = Object.hasOwn(keys, name) ? keys[name] : undefined;
    if (key === undefined) {
      throw invalidFilter(text, `write key=value with one of the keys ${Object.keys(keys).join(', ')}`);
    }
    if (key.values?.includes(value) === false) {
      throw invalidFilter(text, `${name} is one of ${key.values.join(', ')}`);
    }
    const filter = filters.get(name) ?? { ...key, wanted: [] };
    filter.wanted.push(value);
    filters.set(name, filter);
  }
  return filters;
}

export function passes<T>(item: T, filters: Filters<T>): boolean {
  return [...filters.values()].every(({ test, wanted, several }) =>
    several ? wanted.every((value) => test(item, value)) : wanted.some((value) => test(item, value)),
  );
}

/** Has it this in it, or does it match it as a pattern? `web`, `^web$`. What is no pattern is a text. */
export function resembles(text: string, wanted: string): boolean {
  if (text.includes(wanted)) return true;
  try {
    return new RegExp(wanted).test(text);
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

/** `label=KEY` or `label=KEY=VALUE`. */
export function hasLabel(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const [key, value] = cut(wanted);
  return Object.hasOwn(labels, key) && (!wanted.includes('=') || labels[key] === value);
}

function invalidFilter(text: string, hint: string): UsageError {
  return new UsageError(`invalid filter ${JSON.stringify(text)}; ${hint}`, 1);
}
