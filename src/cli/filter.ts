/** `--filter key=value`: an item must match every key; of several values of a key, one must match. */
import { cut } from '../values/literal.ts';
import { UsageError } from './grammar.ts';

/** A filter key of a command. */
export interface FilterKey<T> {
  readonly matches: (item: T, value: string) => boolean;
  /** The valid values, if they are a fixed set. */
  readonly values?: readonly string[];
  /** All given values must match, as for labels. */
  readonly all?: true;
}

/** The given filters by key. */
export type Filters<T> = ReadonlyMap<string, FilterKey<T> & { readonly given: readonly string[] }>;

/** @throws UsageError for an unknown key or an invalid value */
export function parseFilters<T>(texts: readonly string[], keys: Readonly<Record<string, FilterKey<T>>>): Filters<T> {
  const filters = new Map<string, FilterKey<T> & { given: string[] }>();
  for (const text of texts) {
    const [, name = '', value = ''] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
    const key = Object.hasOwn(keys, name) ? keys[name] : undefined;
    if (key === undefined) throw invalidFilter(text, `write key=value; the keys are ${Object.keys(keys).join(', ')}`);
    if (key.values?.includes(value) === false) throw invalidFilter(text, `the values are ${key.values.join(', ')}`);
    const filter = filters.get(name) ?? { ...key, given: [] };
    filter.given.push(value);
    filters.set(name, filter);
  }
  return filters;
}

export function passesFilters<T>(item: T, filters: Filters<T>): boolean {
  return [...filters.values()].every(({ matches, given, all }) =>
    all ? given.every((value) => matches(item, value)) : given.some((value) => matches(item, value)),
  );
}

/** Matches a substring or a regular expression: `web`, `^web$`. An invalid expression is only a substring. */
export function matchesPattern(text: string, pattern: string): boolean {
  if (text.includes(pattern)) return true;
  try {
    return new RegExp(pattern).test(text);
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

/** Matches `label=KEY` or `label=KEY=VALUE`. */
export function hasLabel(labels: Readonly<Record<string, string>>, label: string): boolean {
  const [key, value] = cut(label);
  return Object.hasOwn(labels, key) && (!label.includes('=') || labels[key] === value);
}

export function invalidFilter(text: string, hint: string): UsageError {
  return new UsageError(`invalid filter ${JSON.stringify(text)}; ${hint}`, 1);
}
