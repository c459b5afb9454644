/** Whether every subject is played, and what stops that. A subject that nobody plays is open. */
import type { Aside } from './aside.ts';
import type { Scenario } from './scenario.ts';

export interface Coverage {
  readonly played: number;
  readonly aside: number;
  /** Subjects that neither a scenario cites nor a reason excuses. */
  readonly open: readonly string[];
  /** Citations of what is no subject, and excuses for what is played. */
  readonly mistakes: readonly string[];
}

/** A section of behaviour.md may be cited besides: it is no subject of its own. */
const isBesides = (cited: string) => cited.startsWith('behaviour ');

export function coverage(
  subjects: readonly string[],
  scenarios: readonly Pick<Scenario, 'title' | 'cites'>[],
  asides: readonly Aside[],
): Coverage {
  const cited = new Set(scenarios.flatMap(({ cites }) => cites).filter((one) => !isBesides(one)));
  const excused = asides.flatMap((one) => one.subjects);
  const known = new Set(subjects);
  return {
    played: subjects.filter((one) => cited.has(one)).length,
    aside: subjects.filter((one) => excused.includes(one)).length,
    open: subjects.filter((one) => !cited.has(one) && !excused.includes(one)),
    mistakes: [
      ...[...cited, ...excused].filter((one) => !known.has(one)).map((one) => `${one} is no subject`),
      ...excused.filter((one) => cited.has(one)).map((one) => `${one} is excused, and yet played`),
      ...scenarios.filter(({ cites }) => cites.length === 0).map(({ title }) => `"${title}" cites nothing`),
    ],
  };
}
