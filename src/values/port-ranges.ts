/** Ranges of ports as sets of ports: together, without others, and in pieces. */
import type { PortRange } from './port.ts';

/** Neighbours and what overlaps as one, in order. */
export function joined(ranges: readonly PortRange[]): readonly PortRange[] {
  const found: PortRange[] = [];
  for (const range of ranges.toSorted((a, b) => a.first - b.first)) {
    const before = found.at(-1);
    if (before === undefined || before.last + 1 < range.first) found.push(range);
    else found.splice(-1, 1, { first: before.first, last: Math.max(before.last, range.last) });
  }
  return found;
}

export function without(ranges: readonly PortRange[], { first, last }: PortRange): readonly PortRange[] {
  return ranges.flatMap((range) =>
    [
      { first: range.first, last: Math.min(range.last, first - 1) },
      { first: Math.max(range.first, last + 1), last: range.last },
    ].filter((rest) => rest.first <= rest.last),
  );
}

/** Ranges, cut before and behind each of others. */
export function pieces(ranges: readonly PortRange[], cuts: readonly PortRange[]): readonly PortRange[] {
  const edges = [...new Set(cuts.flatMap(({ first, last }) => [first, last + 1]))].toSorted((a, b) => a - b);
  return ranges.flatMap(({ first, last }) => {
    const starts = [first, ...edges.filter((edge) => first < edge && edge <= last)];
    return starts.map((start, index) => ({ first: start, last: (starts[index + 1] ?? last + 1) - 1 }));
  });
}
