/**
 * Merges consecutive published ports into one element.
 *
 * An interval costs the same whatever it spans: ten thousand ports need one element and one comparison. A map element
 * has a single value, so only ports that keep their number form a range: `20000-29999` to the same numbers.
 */
import { grouped } from '../values/grouped.ts';
import type { Datum, SetElement } from '../values/set-element.ts';
import { formatSetElement } from '../values/set-element.ts';

/** A merged element, and its sources in the order of their ports. */
export interface Range<T> {
  readonly element: SetElement;
  readonly sources: readonly T[];
}

/** The element of a port, or of the first of several consecutive ports. */
export interface Fact<T> extends Range<T> {
  /** Default 1. */
  readonly count?: number;
}

/** Merges consecutive ports, and removes duplicates. */
export function coalesce<T>(facts: readonly Fact<T>[]): readonly Range<T>[] {
  return [...grouped(facts, ({ element }) => bucketOf(element)).values()].flatMap(runs);
}

/** Elements in one bucket differ only in their port. */
function bucketOf(element: SetElement): string {
  const { set, key, value } = element;
  if (!mayBeRanged(element)) return `${set} ${formatSetElement(element)}`;
  const same = { set, key: key.slice(0, -1), ...(value === undefined ? {} : { value: value.slice(0, 1) }) };
  return `${set} ${formatSetElement(same)}`;
}

function mayBeRanged({ key, value }: SetElement): boolean {
  const port = portOf(key);
  return port !== undefined && (value === undefined || portOf(value) === port);
}

function portOf(data: readonly Datum[]): number | undefined {
  const last = data.at(-1);
  if (last?.type === 'ports') return last.first === last.last ? last.first : undefined;
  return last?.type === 'inet_service' ? last.port : undefined;
}

function runs<T>(bucket: readonly Fact<T>[]): readonly Range<T>[] {
  const found: { readonly first: Fact<T>; last: number; readonly sources: T[] }[] = [];
  for (const fact of bucket.toSorted((a, b) => firstOf(a) - firstOf(b))) {
    const run = found.at(-1);
    const last = firstOf(fact) + (fact.count ?? 1) - 1;
    if (run === undefined || firstOf(fact) > run.last + 1) {
      found.push({ first: fact, last, sources: [...fact.sources] });
    } else if (last > run.last) {
      run.last = last;
      run.sources.push(...fact.sources);
    }
  }
  return found.map(({ first, last, sources }) => ({ element: spanning(first.element, last), sources }));
}

function firstOf<T>({ element }: Fact<T>): number {
  return portOf(element.key) ?? 0;
}

function spanning(element: SetElement, last: number): SetElement {
  const { set, key, value } = element;
  const first = portOf(key);
  if (first === undefined || first === last) return element;
  return {
    set: set.replace(/ports(?=[46]$)/, (word) => (value === undefined ? word : 'ranges')),
    key: [...key.slice(0, -1), { type: 'ports', first, last }],
    ...(value === undefined ? {} : { value: value.slice(0, 1) }),
  };
}
