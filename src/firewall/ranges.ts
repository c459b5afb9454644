/**
 * Ranges of ports as one element.
 *
 * Who publishes ten thousand ports of one container means one thing, and the kernel can be told so: an interval of a set
 * costs the same whatever it spans, and is compared in one step. A port of the host that leads to another number of the
 * container can't be part of one, since an element of a map has one value; so ranges are identities, `20000-29999` to the
 * same number each.
 *
 * @see `intervals` and `concatenations` in nft(8)
 */
import type { Datum, SetElement } from '../values/set-element.ts';
import { formatSetElement } from '../values/set-element.ts';

/** An element, and of whom it was made, in the order of their ports. */
export interface Range<T> {
  readonly element: SetElement;
  readonly sources: readonly T[];
}

/** Neighbouring ports as one element, all others as they are; what is said twice once. */
export function coalesce<T>(facts: readonly Range<T>[]): readonly Range<T>[] {
  const buckets = new Map<string, Range<T>[]>();
  const seen = new Set<string>();
  for (const fact of facts) {
    const { set, key } = fact.element;
    const place = `${set} ${formatSetElement({ set, key })}`;
    if (seen.has(place)) continue;
    seen.add(place);
    const bucket = bucketOf(fact.element);
    const known = buckets.get(bucket);
    if (known === undefined) buckets.set(bucket, [fact]);
    else known.push(fact);
  }
  return [...buckets.values()].flatMap(runs);
}

/** Elements of one bucket differ by their port alone. */
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

function runs<T>(bucket: readonly Range<T>[]): readonly Range<T>[] {
  const sorted = bucket.toSorted((a, b) => (portOf(a.element.key) ?? 0) - (portOf(b.element.key) ?? 0));
  const found: Range<T>[][] = [];
  for (const fact of sorted) {
    const run = found.at(-1);
    const before = run?.at(-1);
    const follows = before !== undefined && portOf(before.element.key) === (portOf(fact.element.key) ?? 0) - 1;
    if (run !== undefined && follows) run.push(fact);
    else found.push([fact]);
  }
  return found.map(joined);
}

function joined<T>(run: readonly Range<T>[]): Range<T> {
  const [first] = run;
  const last = run.at(-1);
  if (first === undefined || last === undefined) throw new TypeError('a run of no ports');
  if (run.length === 1) return first;
  const { set, key, value } = first.element;
  const ports = { type: 'ports', first: portOf(key) ?? 0, last: portOf(last.element.key) ?? 0 } as const;
  return {
    element: {
      set: set.replace(/ports(?=[46]$)/, (word) => (value === undefined ? word : 'ranges')),
      key: [...key.slice(0, -1), ports],
      ...(value === undefined ? {} : { value: value.slice(0, 1) }),
    },
    sources: run.flatMap(({ sources }) => sources),
  };
}
