/** The same tests on two kernels, beside each other: a table out of what scripts/test printed on each. */

/** What came of an area's tests; its name is the first word of their files'. */
interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

export interface Run {
  readonly kernel: string;
  readonly areas: ReadonlyMap<string, Count>;
  /** Areas by the sentence that their tests were skipped with. */
  readonly reasons: ReadonlyMap<string, ReadonlySet<string>>;
}

/**
 * @param tap what `scripts/test` printed
 * @param only the area of tests that are printed without their file, as ava does where there is but one
 */
export function readRun(kernel: string, tap: string, only: string): Run {
  const areas = new Map<string, Count>();
  const reasons = new Map<string, Set<string>>();
  let area = only;
  let count: Count = { passed: 0, failed: 0, skipped: 0 };
  for (const line of tap.split('\n')) {
    const [, not, title] = /^(not )?ok \d+ - (.*)/.exec(line) ?? [];
    const [, reason] = /^# {3}skipped: (.*)/.exec(line) ?? [];
    if (title !== undefined) {
      area = areaOf(title) ?? only;
      count = areas.get(area) ?? { passed: 0, failed: 0, skipped: 0 };
      areas.set(area, count);
      count[not === undefined ? 'passed' : 'failed'] += 1;
    } else if (reason !== undefined) {
      count.passed -= 1;
      count.skipped += 1;
      reasons.set(reason, (reasons.get(reason) ?? new Set()).add(area));
    }
  }
  return { kernel, areas, reasons };
}

/** `macvlan` of "kernel › macvlan › a parent that is not there is named", `security` of all attacks. */
function areaOf(title: string): string | undefined {
  const [folder = '', ...rest] = title.split(' › ').slice(0, -1);
  if (folder === 'security') return folder;
  return (folder === 'kernel' ? rest[0] : folder)?.split('-')[0] || undefined;
}

/** A Markdown table with a row for each area, and the reasons of what was skipped. */
export function table(runs: readonly Run[]): string {
  const areas = [...new Set(runs.flatMap((run) => [...run.areas.keys()]))].sort();
  const rows = [
    row(['', ...runs.map(({ kernel }) => kernel)]),
    row(['---', ...runs.map(() => '---')]),
    ...areas.map((area) => row([area, ...runs.map((run) => told(run.areas.get(area)))])),
    row(['all', ...runs.map((run) => told(sum([...run.areas.values()])))]),
  ];
  const skips = runs.flatMap(({ kernel, reasons }) =>
    [...reasons].map(([reason, where]) => `* ${kernel}, ${[...where].sort().join(', ')}: ${reason}`),
  );
  return [...rows, ...(skips.length > 0 ? ['', 'Skipped:', '', ...skips] : []), ''].join('\n');
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function told(count: Count | undefined): string {
  if (count === undefined) return 'not run';
  const { passed, failed, skipped } = count;
  return [`${passed} passed`, failed > 0 && `**${failed} failed**`, skipped > 0 && `${skipped} skipped`]
    .filter((part) => part !== false)
    .join(', ');
}

function sum(counts: readonly Count[]): Count {
  const add = (key: keyof Count) => counts.reduce((total, count) => total + count[key], 0);
  return { passed: add('passed'), failed: add('failed'), skipped: add('skipped') };
}
