/**
 * Judges the differences.
 *
 * A list contains the intended differences, with gangway's expected value instead of Docker's. gangway passes only with the
 * exact expected value. An entry without an effect in a whole run is stale, unless its scenario did not run on this kernel. A
 * value that Docker's world could not show is open; all other differences are worse.
 */
import type { Observation } from './look.ts';
import type { Scenario } from './scenario.ts';

/** An intended difference. */
export interface Wanted {
  /** Matches `title: observation`. */
  readonly where: RegExp;
  /** Returns gangway's expected value for Docker's value. */
  readonly expected: (docker: string) => string;
  /** Reason, in one sentence. */
  readonly why: string;
}

/** A difference between Docker 26.1.5 and 29, where 29 is the model. */
export interface As29 extends Wanted {
  /** Section of behaviour.md. */
  readonly cite: string;
}

export type Verdict =
  | { readonly kind: 'same' | 'worse' | 'open' }
  | { readonly kind: 'as 29' | 'better'; readonly because: readonly (Wanted | As29)[] };

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

/** Beginning of a value that could not be observed. */
export const couldNot = 'could not ';

/** Judges the observations of a scenario, pair by pair. */
export function judge(
  { title }: Pick<Scenario, 'title'>,
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

/** Returns entries that explained no difference. */
export function stale(
  lists: Lists,
  judged: readonly Pick<Judged, 'verdict'>[],
  unplayed: readonly string[] = [],
): readonly Wanted[] {
  const used = new Set(judged.flatMap((one) => ('because' in one.verdict ? one.verdict.because : [])));
  const idle = [...lists.as29, ...lists.better].filter((entry) => !used.has(entry));
  return idle.filter(({ where }) => !unplayed.some((title) => where.source.includes(literally(title))));
}

/** Escapes a text for a regular expression. */
export function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

/** Applies entries of the lists until the expected value equals gangway's value. */
function verdict(where: string, { docker, gangway }: Pair, { as29, better }: Lists): Verdict {
  if (docker === gangway) return { kind: docker.startsWith(couldNot) ? 'open' : 'same' };
  let expected = docker;
  let kind: 'as 29' | 'better' = 'as 29';
  const because: (Wanted | As29)[] = [];
  for (const entry of [...as29, ...better]) {
    if (!entry.where.test(where)) continue;
    const next = entry.expected(expected);
    if (next === expected) continue;
    if (!('cite' in entry)) kind = 'better';
    because.push(entry);
    expected = next;
    if (expected === gangway) return { kind, because };
  }
  return { kind: docker.startsWith(couldNot) ? 'open' : 'worse' };
}
