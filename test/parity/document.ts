/** Formats docs/parity.md from a run of all scenarios. */
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

\`sudo npm run parity -- --write\` wrote this page on ${conditions.date}. It runs the same scenarios with Debian's dockerd in one lab
and with gangway in another, and compares the observations. ${all.length} scenarios have ${judged.length} observations: ${count(judged, 'same')} the same,
${count(judged, 'as 29')} equal to Docker Engine 29 where 26.1.5 differs, ${count(judged, 'better')} better, ${count(judged, 'worse')} worse, ${count(judged, 'open')} open.
${lacking} scenarios did not run, because the kernel lacks a feature.

The machine: ${conditions.sentence}.

Each scenario cites the facts that it tests: sections of notes on the behaviour of Docker 26.1.5 ("golden") and of Docker 29
("behaviour"), which are not in this repository, and Docker's own tests (Test…). ${covered.played} facts are tested, ${covered.aside} are left out with a reason
(below), and ${covered.open.length} are missing. A difference counts as better, or as 29, only with the exact expected value; all other
differences count as worse. An expected difference that does not occur fails the run.

## Scenarios

${table(['scenario', 'facts', ...kinds], all.map(scenarioRow))}

## As 29

Docker 29 is the model, and Debian's Docker is older. The number at the end of a line counts the observations with this reason. An
observation with two reasons counts twice.

${list(reasons(judged, 'as 29'))}

## Better

Docker fails each of these checks in every run.

${list(reasons(judged, 'better'))}

${remaining(all)}## Left out

${asides.map(({ subjects, why, heldBy }) => `* ${why}${heldBy === undefined ? '' : ` ([ours](../${heldBy}))`}: ${subjects.join(', ')}`).join('\n')}

## How long it takes

Medians in milliseconds; Docker and gangway take turns in their labs on the same machine. "In process" is a program with the library
for gangway, and a client of dockerd's socket for Docker.

${table(['', 'in process: Docker', 'gangway', 'whole command: Docker', 'gangway'], speedRows(speed))}

Most of a whole command's time is the start of Node and of the program, which takes longer on a busy machine. See the load above, and
[performance](performance.md) for a quiet machine.
`;
}

function scenarioRow({ scenario: { title, cites }, judged, lacking }: Compared): readonly string[] {
  if (lacking !== undefined) return [title, cites.join(', '), '', '', '', '', `lacks ${lacking}`];
  return [title, cites.join(', '), ...kinds.map((kind) => String(count(judged, kind) || ''))];
}

function list(reasonsAndTimes: ReadonlyMap<string, number>): string {
  return [...reasonsAndTimes].map(([why, times]) => `* ${why} (${times})`).join('\n');
}

/** Returns the section of observations that are worse or open. */
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
