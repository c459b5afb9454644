/** The table of the comparison, for people and for programs. */
import type { Scenario } from './scenario.ts';
import type { Judged, Verdict } from './verdict.ts';

export interface Compared {
  readonly scenario: Scenario;
  readonly judged: readonly Judged[];
}

const kinds = ['same', 'as 29', 'better', 'worse'] as const;

export function count(judged: readonly Judged[], kind: Verdict['kind']): number {
  return judged.filter(({ verdict }) => verdict.kind === kind).length;
}

/** A line of the table. */
export function row(title: string, judged: readonly Judged[]): string {
  return title.padEnd(64) + kinds.map((kind) => String(count(judged, kind)).padStart(8)).join('');
}

export function head(): string {
  return ''.padEnd(64) + kinds.map((kind) => kind.padStart(8)).join('');
}

/** What is not the same: the reasons once each, and every `worse` with both values. */
export function differences(all: readonly Compared[]): string {
  const judged = all.flatMap((compared) => compared.judged);
  return [...reasons(judged, 'as 29'), ...reasons(judged, 'better'), ...all.flatMap(worse)].join('\n');
}

/** Medians of whole commands with the same outcome, as a person would wait for them. */
export function speed(all: readonly Compared[]): string {
  const times = new Map<string, Judged['milliseconds'][]>();
  for (const { what, milliseconds, verdict } of all.flatMap((compared) => compared.judged)) {
    const verb = /^(network (?:create|connect|disconnect|rm|ls)|run -d|run --rm|stop|start|rm)\b/.exec(what)?.[0];
    if (verb !== undefined && verdict.kind === 'same') times.set(verb, [...(times.get(verb) ?? []), milliseconds]);
  }
  const lines = [...times].map(([verb, measured]) => {
    const [docker, gangway] = (['docker', 'gangway'] as const).map((side) =>
      median(measured.map((pair) => pair[side])),
    );
    return `speed  ${verb.padEnd(20)} docker ${String(docker).padStart(5)} ms   gangway ${String(gangway).padStart(5)} ms   (${measured.length} times)`;
  });
  return lines.join('\n');
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

export function asJson(all: readonly Compared[]): string {
  const scenarios = all.map(({ scenario: { title, source }, judged }) => ({ title, source, observations: judged }));
  return JSON.stringify(scenarios, null, 2);
}

function reasons(judged: readonly Judged[], kind: 'as 29' | 'better'): readonly string[] {
  const times = new Map<string, number>();
  for (const { verdict } of judged) {
    if (verdict.kind !== kind) continue;
    for (const why of verdict.reasons) times.set(why, (times.get(why) ?? 0) + 1);
  }
  return [...times].map(([why, number]) => `${kind}  ${String(number).padStart(3)}  ${why}`);
}

function worse({ scenario, judged }: Compared): readonly string[] {
  return judged
    .filter(({ verdict }) => verdict.kind === 'worse')
    .flatMap(({ what, docker, gangway }) => [
      `worse  ${scenario.title}: ${what}`,
      ...lines('docker ', docker),
      ...lines('gangway', gangway),
    ]);
}

function lines(name: string, value: string): readonly string[] {
  return (value || '(nothing)').split('\n').map((line, index) => `    ${index === 0 ? name : '       '}  ${line}`);
}
