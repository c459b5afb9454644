/**
 * What a difference is worth.
 *
 * A difference that is wanted stands in a list, with a check that our value must pass and Docker's must fail: an entry
 * that says less than the truth, or that has become untrue, turns into `worse` by itself.
 */
import type { Observation } from './look.ts';
import type { Scenario } from './scenario.ts';

/** A difference that is wanted. */
export interface Wanted {
  /** Found in `title: observation`. */
  readonly where: RegExp;
  /** Found in our value, and not in Docker's. */
  readonly holds: RegExp;
  /** One sentence. */
  readonly why: string;
}

/** 26.1.5 and 29 differ here, and 29 is the model. */
export interface As29 extends Wanted {
  /** The section of behaviour.md, or the version that changed it. */
  readonly cite: string;
}

export type Verdict =
  | { readonly kind: 'same' }
  | { readonly kind: 'as 29'; readonly why: string }
  | { readonly kind: 'better'; readonly why: string }
  | { readonly kind: 'worse' };

export interface Judged {
  readonly what: string;
  readonly docker: string;
  readonly gangway: string;
  readonly verdict: Verdict;
}

export interface Lists {
  readonly as29: readonly As29[];
  readonly better: readonly Wanted[];
}

/** Judges the observations of a scenario, pair by pair. */
export function judge(
  scenario: Scenario,
  [docker, gangway]: readonly [readonly Observation[], readonly Observation[]],
  lists: Lists,
): readonly Judged[] {
  const length = Math.max(docker.length, gangway.length);
  return Array.from({ length }, (_, index) => {
    const what = (docker[index] ?? gangway[index])?.what ?? '';
    const pair = { docker: docker[index]?.value ?? 'not seen', gangway: gangway[index]?.value ?? 'not seen' };
    return { what, ...pair, verdict: verdict(`${scenario.title}: ${what}`, pair, lists) };
  });
}

function verdict(where: string, pair: Pick<Judged, 'docker' | 'gangway'>, { as29, better }: Lists): Verdict {
  if (pair.docker === pair.gangway && !pair.docker.startsWith('could not')) return { kind: 'same' };
  const known = as29.find((entry) => applies(entry, where, pair));
  if (known !== undefined) return { kind: 'as 29', why: `${known.why} (${known.cite})` };
  const wanted = better.find((entry) => applies(entry, where, pair));
  return wanted === undefined ? { kind: 'worse' } : { kind: 'better', why: wanted.why };
}

function applies(
  { where: place, holds }: Wanted,
  where: string,
  { docker, gangway }: Pick<Judged, 'docker' | 'gangway'>,
) {
  return place.test(where) && holds.test(gangway) && !holds.test(docker);
}
