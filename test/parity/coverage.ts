/** Checks that each subject has a scenario or a reason. A subject without either is open. */
import type { Aside } from './aside.ts';
import type { Scenario } from './scenario.ts';

export interface Coverage {
  readonly played: number;
  readonly aside: number;
  /** Subjects that neither a scenario cites nor a reason excuses. */
  readonly open: readonly string[];
  /** Citations of unknown subjects, and reasons for subjects with a scenario. */
  readonly mistakes: readonly string[];
}

/** Scenarios may also cite a section of behaviour.md, which is not a subject. */
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
      ...[...cited, ...excused].filter((one) => !known.has(one)).map((one) => `unknown subject ${one}`),
      ...excused.filter((one) => cited.has(one)).map((one) => `${one} has a reason and a scenario`),
      ...scenarios.filter(({ cites }) => cites.length === 0).map(({ title }) => `"${title}" cites nothing`),
    ],
  };
}
