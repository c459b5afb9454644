/**
 * The three numbers that describe a measurement, and those that compare two.
 *
 * Medians and not means: on a machine that others use as well, a sample can only be too long. Two contenders are compared
 * round by round, because a round that met a busy machine was slow for both.
 */

export interface Summary {
  readonly median: number;
  readonly minimum: number;
  readonly maximum: number;
}

/** @throws RangeError on an empty list: a median of nothing would be printed as a figure */
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

/** How many times as long as `base`: the median of the rounds' own ratios. */
export function pairedRatio(samples: readonly number[], base: readonly number[]): number {
  return median(samples.map((sample, round) => sample / (base[round] ?? Number.NaN)));
}

/** How much longer than `base`: the median of the rounds' own differences. */
export function pairedDifference(samples: readonly number[], base: readonly number[]): number {
  return median(samples.map((sample, round) => sample - (base[round] ?? Number.NaN)));
}
