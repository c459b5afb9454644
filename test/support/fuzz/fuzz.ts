/** Many generated command lines, each judged; the first one that is found wrong, made as short as it can be. */
import fc from 'fast-check';
import { messageOf } from '../../../src/values/errors.ts';
import type { Line } from './command-line.ts';

/** @returns what is wrong, if anything is */
export type Judge = (line: Line) => Promise<string | undefined>;

export interface Extent {
  readonly seed: number;
  readonly count: number;
}

/** @returns the complaint with the shortest line that earns it, and the seed with which it is found again */
export async function fuzz(
  lines: fc.Arbitrary<Line>,
  judge: Judge,
  { seed, count }: Extent,
): Promise<string | undefined> {
  const property = fc.asyncProperty(lines, async (line) => {
    const complaint = await judge(line);
    if (complaint !== undefined) throw new Error(complaint);
  });
  const { failed, counterexample, errorInstance, numRuns } = await fc.check(property, { seed, numRuns: count });
  if (!failed) return undefined;
  const complaint = messageOf(errorInstance);
  return `seed ${seed}, line ${numRuns}: gangway ${JSON.stringify(counterexample?.[0])}\n${complaint}`;
}
