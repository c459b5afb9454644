/**
 * Summarises a measurement with three numbers, and compares two measurements.
 *
 * Medians instead of means: on a shared machine, a sample can only be too long. Comparisons pair the samples of a round,
 * because a busy machine slows both programs down.
 */

export interface Summary {
  readonly median: number;
  readonly minimum: number;
  readonly maximum: number;
}

/** @throws RangeError for an empty list */
export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle];
  const lower = sorted[sorted.length % 2 === 0 ? middle - 1 : middle];
  if (upper === undefined || lower === undefined) throw new RangeError('no samples');
  return (lower + upper) / 2;
}

export function summarize(samples: readonly number[]): Summary {
  return { median: median(samples), minimum: Math.min(...samples), maximum: Math.max(...samples) };
}

/** Returns the ratio to `base`: the median of the ratios of each round. */
export function pairedRatio(samples: readonly number[], base: readonly number[]): number {
  return median(samples.map((sample, round) => sample / (base[round] ?? Number.NaN)));
}

/** Returns the difference to `base`: the median of the differences of each round. */
export function pairedDifference(samples: readonly number[], base: readonly number[]): number {
  return median(samples.map((sample, round) => sample - (base[round] ?? Number.NaN)));
}
