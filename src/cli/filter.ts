/** `--filter key=value`: values of one key are alternatives, keys must all hold. */
import { UsageError } from './grammar.ts';

type Test<T> = (item: T, value: string) => boolean;

/** By key: the test, and the values of which one must pass. */
export type Filters<T> = ReadonlyMap<string, { readonly test: Test<T>; readonly values: readonly string[] }>;

/** @throws UsageError for a key that `tests` does not have */
export function parseFilters<T>(texts: readonly string[], tests: Readonly<Record<string, Test<T>>>): Filters<T> {
  const filters = new Map<string, { test: Test<T>; values: string[] }>();
  for (const text of texts) {
    const [, key = '', value = ''] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
    const test = Object.hasOwn(tests, key) ? tests[key] : undefined;
    if (test === undefined) throw invalidFilter(text, Object.keys(tests));
    const filter = filters.get(key) ?? { test, values: [] };
    filter.values.push(value);
    filters.set(key, filter);
  }
  return filters;
}

export function passes<T>(item: T, filters: Filters<T>): boolean {
  return [...filters.values()].every(({ test, values }) => values.some((value) => test(item, value)));
}

function invalidFilter(text: string, keys: readonly string[]): UsageError {
  return new UsageError(
    `invalid filter ${JSON.stringify(text)}; write key=value with one of the keys ${keys.join(', ')}`,
    1,
  );
}
