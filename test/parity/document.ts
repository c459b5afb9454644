/** docs/parity.md, from a whole run. */
import type { Aside } from './aside.ts';
import type { Coverage } from './coverage.ts';
import type { Conditions } from './machine.ts';
import { type Compared, count, kinds, reasons } from './report.ts';
import type { Speed } from './speed.ts';

export interface Findings {
  readonly all: readonly Compared[];
  readonly covered: Coverage;
  readonly asides: readonly Aside[];
  readonly speed: readonly Speed[];
  readonly conditions: Conditions;
}

export function document({ all, covered, asides, speed, conditions }: Findings): string {
  const judged = all.flatMap((compared) => compared.judged);
  const lacking = all.filter((one) => one.lacking !== undefined).length;
  return `# Beside Docker

Made by \`sudo npm run parity -- --write\`, on ${conditions.date}: Debian's dockerd in one lab and gangway in another do the
same, and what can be seen is compared. ${all.length} scenarios, ${judged.length} observations: ${count(judged, 'same')} the same,
${count(judged, 'as 29')} as Docker Engine 29 has it where 26.1.5 differs, ${count(judged, 'better')} better, ${count(judged, 'worse')} worse, ${count(judged, 'open')} open.
${lacking} of the scenarios could not be played, since this machine lacks what they need.

The machine: ${conditions.sentence}.

Each scenario cites the facts that it plays: sections of our notes on what Docker 26.1.5 was seen to do ("golden") and on what
29 does ("behaviour"), neither of which is part of this repository, and Docker's own tests (Test…). ${covered.played} facts are played, ${covered.aside} are left out with a reason (below), ${covered.open.length} are played nowhere.
A difference counts as better, or as 29, where exactly this value was expected; any other counts as worse. Where a difference was expected
and Docker shows none, the run fails.

## Scenarios

${table(['scenario', 'facts', ...kinds], all.map(scenarioRow))}

## As 29

Where Debian's Docker is older than our model, Docker 29. The number at the end says how many observations have this reason;
one that has two reasons is counted at both.

${list(reasons(judged, 'as 29'))}

## Better

Docker fails each of these checks in every run.

${list(reasons(judged, 'better'))}

${remaining(all)}## Aside

${asides.map(({ subjects, why, heldBy }) => `* ${why}${heldBy === undefined ? '' : ` ([ours](../${heldBy}))`}: ${subjects.join(', ')}`).join('\n')}

## How long it takes

Medians in milliseconds, Docker and gangway by turns in their labs on the same machine. In process: for gangway a program that
uses the library, for Docker one that asks dockerd's socket.

${table(['', 'in process: Docker', 'gangway', 'whole command: Docker', 'gangway'], speedRows(speed))}

A whole command of gangway is for the most part the start of Node and of the program, and suffers most on a busy machine: see
the load above, and [performance](performance.md) for a quiet one.
`;
}

function scenarioRow({ scenario: { title, cites }, judged, lacking }: Compared): readonly string[] {
  if (lacking !== undefined) return [title, cites.join(', '), '', '', '', '', `lacks ${lacking}`];
  return [title, cites.join(', '), ...kinds.map((kind) => String(count(judged, kind) || ''))];
}

function list(reasonsAndTimes: ReadonlyMap<string, number>): string {
  return [...reasonsAndTimes].map(([why, times]) => `* ${why} (${times})`).join('\n');
}

/** What is not as it should be. */
function remaining(all: readonly Compared[]): string {
  const found = all.flatMap(({ scenario, judged }) =>
    judged
      .filter(({ verdict }) => verdict.kind === 'worse' || verdict.kind === 'open')
      .map(({ what, verdict }) => `* ${verdict.kind}: ${scenario.title}, \`${what}\``),
  );
  return found.length === 0 ? '' : `## Worse or open\n\n${found.join('\n')}\n\n`;
}

function speedRows(speed: readonly Speed[]): readonly (readonly string[])[] {
  const works = [...new Set(speed.map(({ work }) => work))];
  return works.map((work) => {
    const of = (way: Speed['way']) => speed.find((one) => one.work === work && one.way === way);
    const [inside, whole] = [of('in process'), of('whole command')];
    return [work, inside?.docker, inside?.gangway, whole?.docker, whole?.gangway].map((cell) =>
      typeof cell === 'number' ? cell.toPrecision(3) : (cell ?? ''),
    );
  });
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
