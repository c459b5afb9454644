/**
 * What a difference is worth.
 *
 * A difference that is wanted stands in a list, as what we expect instead of Docker's value. That is the check: Docker
 * fails it in every run, as long as the entry changes anything, and we pass it only with the very value. Whatever else
 * differs is `worse`.
 */
import type { Observation } from './look.ts';
import type { Scenario } from './scenario.ts';

/** A difference that is wanted. */
export interface Wanted {
  /** Found in `title: observation`. */
  readonly where: RegExp;
  /** Makes what we expect of what Docker shows. */
  readonly expected: (docker: string) => string;
  /** One sentence. */
  readonly why: string;
}

/** 26.1.5 and 29 differ here, and 29 is the model. */
export interface As29 extends Wanted {
  /** The section of behaviour.md. */
  readonly cite: string;
}

export type Verdict =
  | { readonly kind: 'same' | 'worse' }
  | { readonly kind: 'as 29' | 'better'; readonly reasons: readonly string[] };

export interface Judged {
  readonly what: string;
  readonly docker: string;
  readonly gangway: string;
  readonly verdict: Verdict;
  readonly milliseconds: { readonly docker: number; readonly gangway: number };
}

export interface Lists {
  readonly as29: readonly As29[];
  readonly better: readonly Wanted[];
}

type Pair = Pick<Judged, 'docker' | 'gangway'>;

/** Judges the observations of a scenario, pair by pair. */
export function judge(
  { title }: Scenario,
  [docker, gangway]: readonly [readonly Observation[], readonly Observation[]],
  lists: Lists,
): readonly Judged[] {
  const length = Math.max(docker.length, gangway.length);
  return Array.from({ length }, (_, index) => {
    const what = (docker[index] ?? gangway[index])?.what ?? '';
    const pair = { docker: docker[index]?.value ?? 'not seen', gangway: gangway[index]?.value ?? 'not seen' };
    const milliseconds = { docker: docker[index]?.milliseconds ?? 0, gangway: gangway[index]?.milliseconds ?? 0 };
    return { what, ...pair, milliseconds, verdict: verdict(`${title}: ${what}`, pair, lists) };
  });
}

/** Goes through the lists until what we expect is what we have: an entry more than needed says nothing. */
function verdict(where: string, { docker, gangway }: Pair, { as29, better }: Lists): Verdict {
  if (docker === gangway) return { kind: docker.startsWith('could not') ? 'worse' : 'same' };
  let expected = docker;
  let kind: 'as 29' | 'better' = 'as 29';
  const reasons: string[] = [];
  for (const entry of [...as29, ...better]) {
    if (!entry.where.test(where)) continue;
    const next = entry.expected(expected);
    if (next === expected) continue;
    if (!('cite' in entry)) kind = 'better';
    reasons.push('cite' in entry ? `${entry.why} (${entry.cite})` : entry.why);
    expected = next;
    if (expected === gangway) return { kind, reasons };
  }
  return { kind: 'worse' };
}
