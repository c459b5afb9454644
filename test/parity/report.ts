/** Formats the results of a comparison as table and JSON. */
import type { Coverage } from './coverage.ts';
import type { Scenario } from './scenario.ts';
import type { As29, Judged, Verdict, Wanted } from './verdict.ts';

export interface Compared {
  readonly scenario: Scenario;
  /** Empty if the scenario did not run. */
  readonly judged: readonly Judged[];
  /** Missing feature of the machine. */
  readonly lacking?: string;
}

export const kinds = ['same', 'as 29', 'better', 'worse', 'open'] as const;

export function count(judged: readonly Judged[], kind: Verdict['kind']): number {
  return judged.filter(({ verdict }) => verdict.kind === kind).length;
}

/** Returns a line of the table. */
export function row(title: string, { judged, lacking }: Pick<Compared, 'judged' | 'lacking'>): string {
  if (lacking !== undefined) return `${title.padEnd(56)}open: this machine lacks ${lacking}`;
  return title.padEnd(56) + kinds.map((kind) => String(count(judged, kind)).padStart(8)).join('');
}

export function head(): string {
  return ''.padEnd(56) + kinds.map((kind) => kind.padStart(8)).join('');
}

/** Lists differences: each reason once, and worse or open observations with both values. */
export function differences(all: readonly Compared[]): string {
  const judged = all.flatMap((compared) => compared.judged);
  return [...reasonLines(judged, 'as 29'), ...reasonLines(judged, 'better'), ...all.flatMap(unexplained)].join('\n');
}

/** Returns the faults of the comparison itself. */
export function faults({ open, mistakes }: Coverage, stale: readonly Wanted[]): readonly string[] {
  return [
    ...open.map((subject) => `open  ${subject}: no scenario plays it`),
    ...mistakes.map((mistake) => `mistake  ${mistake}`),
    ...stale.map((entry) => `stale  ${entry.where.source}: ${entry.why}`),
  ];
}

export function asJson(all: readonly Compared[]): string {
  const scenarios = all.map(({ scenario: { title, cites }, lacking, judged }) => ({
    title,
    cites,
    lacking,
    observations: judged.map((one) => ({ ...one, verdict: one.verdict.kind, because: because(one).map(sentence) })),
  }));
  return JSON.stringify(scenarios, null, 2);
}

/** Returns the reason, with its section for Docker 29. */
function sentence(entry: Wanted | As29): string {
  return 'cite' in entry ? `${entry.why} (behaviour ${entry.cite})` : entry.why;
}

function because({ verdict }: Pick<Judged, 'verdict'>): readonly (Wanted | As29)[] {
  return 'because' in verdict ? verdict.because : [];
}

/** Counts the observations of each reason. */
export function reasons(judged: readonly Judged[], kind: 'as 29' | 'better'): ReadonlyMap<string, number> {
  const times = new Map<string, number>();
  const entries = judged.flatMap(because).filter((entry) => 'cite' in entry === (kind === 'as 29'));
  for (const why of entries.map(sentence)) times.set(why, (times.get(why) ?? 0) + 1);
  return times;
}

function reasonLines(judged: readonly Judged[], kind: 'as 29' | 'better'): readonly string[] {
  return [...reasons(judged, kind)].map(([why, number]) => `${kind}  ${String(number).padStart(3)}  ${why}`);
}

function unexplained({ scenario, judged, lacking }: Compared): readonly string[] {
  if (lacking !== undefined) return [`open  ${scenario.title}: this machine lacks ${lacking}`];
  return judged
    .filter(({ verdict }) => verdict.kind === 'worse' || verdict.kind === 'open')
    .flatMap(({ what, docker, gangway, verdict }) => [
      `${verdict.kind}  ${scenario.title}: ${what}`,
      ...lines('docker ', docker),
      ...lines('gangway', gangway),
    ]);
}

function lines(name: string, value: string): readonly string[] {
  return (value || '(nothing)').split('\n').map((line, index) => `    ${index === 0 ? name : '       '}  ${line}`);
}
