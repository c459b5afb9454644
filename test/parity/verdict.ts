/**
 * What a difference is worth.
 *
 * A difference that is wanted stands in a list, as what we expect instead of Docker's value. That is the check: Docker
 * fails it in every run, as long as the entry changes anything, and we pass it only with the very value. An entry that
 * explained nothing in a whole run is stale, unless its scenario could not be played on this kernel. What Docker's world
 * could not show is open; whatever else differs is worse.
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

/** How a value begins that was not to be had. */
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

/** Entries that explained no difference: Docker does as we do by now, or nobody looks there any more. */
export function stale(
  lists: Lists,
  judged: readonly Pick<Judged, 'verdict'>[],
  unplayed: readonly string[] = [],
): readonly Wanted[] {
  const used = new Set(judged.flatMap((one) => ('because' in one.verdict ? one.verdict.because : [])));
  const idle = [...lists.as29, ...lists.better].filter((entry) => !used.has(entry));
  return idle.filter(({ where }) => !unplayed.some((title) => where.source.includes(literally(title))));
}

/** A text as it stands in a regular expression. */
export function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

/** Goes through the lists until what we expect is what we have: an entry more than needed says nothing. */
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
