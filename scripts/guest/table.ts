/** Formats the results of scripts/test on several kernels as one table. */

interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

/** Results of a test file. */
interface FileRun extends Count {
  /** Titles of skipped tests, with their reasons. */
  readonly skips: Map<string, string>;
  /** Duration by the machine's clock; undefined if the file has not finished. */
  seconds?: number;
  /** Tested commit from `git describe`, if known. */
  readonly sources: string | undefined;
}

export interface Run {
  readonly kernel: string;
  /** Results by the prefix of the test titles: `kernel › macvlan`. */
  readonly files: ReadonlyMap<string, FileRun>;
}

/**
 * Parses the output of one or several runs of `scripts/test`. The last result of each file counts.
 *
 * @param tap the output
 */
export function readRun(kernel: string, tap: string): Run {
  const files = new Map<string, FileRun>();
  let sources: string | undefined;
  const begin = (file: string) => {
    const run: FileRun = { passed: 0, failed: 0, skipped: 0, skips: new Map(), sources };
    files.set(file, run);
    return run;
  };
  let file = '';
  let title = '';
  let interrupted: ReadonlySet<FileRun> = new Set();
  for (const line of tap.split('\n')) {
    const [, not, where = '', what = ''] = /^(not )?ok \d+ - ((?:kernel|security) › \S+) › (.*)/.exec(line) ?? [];
    const [, ended = '', seconds] = /^# (\S+ › \S+) › ended after ([\d.]+) s$/.exec(line) ?? [];
    const [, reason] = /^# {3}skipped: (.*)/.exec(line) ?? [];
    sources = /^# sources (\S+)$/.exec(line)?.[1] ?? sources;
    if (line === 'TAP version 13') {
      interrupted = new Set([...files.values()].filter(({ seconds }) => seconds === undefined));
    } else if (where !== '') {
      [file, title] = [where, what];
      const known = files.get(file);
      const continues = known !== undefined && known.seconds === undefined && !interrupted.has(known);
      const run = continues ? known : begin(file);
      run[not === undefined ? 'passed' : 'failed'] += 1;
    } else if (ended !== '') {
      (files.get(ended) ?? begin(ended)).seconds = Number(seconds);
    } else if (reason !== undefined) {
      skip(files.get(file), title, reason);
    }
  }
  return { kernel, files };
}

/** Moves a test from passed to skipped: ava reports a test that skips itself as passed. */
function skip(run: FileRun | undefined, title: string, reason: string): void {
  if (run === undefined) return;
  run.passed -= 1;
  run.skipped += 1;
  run.skips.set(title, reason);
}

/**
 * Returns a Markdown table with a row for each area, and the reasons of skipped tests.
 *
 * @param wanted all test files, so that the table shows those without a result
 */
export function table(runs: readonly Run[], wanted: readonly string[]): string {
  const isKnown = (area: string) => runs.some(({ files }) => [...files.keys()].some((file) => areaOf(file) === area));
  const all = [...new Set(wanted.map(areaOf))].sort();
  const areas = all.filter(isKnown);
  const absent = all.filter((area) => !isKnown(area));
  const rows = [
    ['', ...runs.map(({ kernel }) => kernel)],
    ['---', ...runs.map(() => '---')],
    ...areas.map((area) => {
      const files = wanted.filter((file) => areaOf(file) === area);
      return [area, ...runs.map((run) => cell(run, files))];
    }),
    ['all', ...runs.map((run) => cell(run, wanted))],
  ].map((cells) => `| ${cells.join(' | ')} |`);
  if (absent.length > 0) rows.push('', `Not run: ${absent.join(', ')}.`);
  return [
    ...rows,
    ...list('Sources', runs.flatMap(sourcesOf)),
    ...list('Skipped', runs.flatMap(reasons)),
    ...list('Skipped on all', nowhere(runs)),
    '',
  ].join('\n');
}

/** Returns the area of a file: `macvlan` for "kernel › macvlan", `story` for "kernel › story-bridge", `security` for attacks. */
function areaOf(file: string): string {
  const [folder = '', name = ''] = file.split(' › ');
  return folder === 'kernel' ? (name.split('-')[0] ?? name) : folder;
}

function cell({ files }: Run, wanted: readonly string[]): string {
  const known = wanted.flatMap((file) => files.get(file) ?? []);
  if (known.length === 0) return 'not run';
  const sum = (key: keyof Count | 'seconds') => known.reduce((total, run) => total + (run[key] ?? 0), 0);
  const broken = known.filter(({ seconds }) => seconds === undefined).length;
  const absent = wanted.length - known.length;
  return [
    `${sum('passed')} passed`,
    ...(sum('failed') > 0 ? [`**${sum('failed')} failed**`] : []),
    ...(sum('skipped') > 0 ? [`${sum('skipped')} skipped`] : []),
    ...(broken > 0 ? [`${broken} of ${wanted.length} files interrupted`] : []),
    ...(absent > 0 ? [`${absent} of ${wanted.length} files not run`] : []),
    `${Math.ceil(sum('seconds'))} s`,
  ].join(', ');
}

function list(title: string, items: readonly string[]): readonly string[] {
  return items.length === 0 ? [] : ['', `${title}:`, '', ...items.map((item) => `* ${item}`)];
}

/** Returns the tested commits of a kernel. */
function sourcesOf({ kernel, files }: Run): readonly string[] {
  const counts = new Map<string, number>();
  for (const { sources } of files.values())
    if (sources !== undefined) counts.set(sources, (counts.get(sources) ?? 0) + 1);
  const items = [...counts].map(([sources, count]) => `${sources} (${count === 1 ? 'a file' : `${count} files`})`);
  return items.length === 0 ? [] : [`${kernel}: ${items.join(', ')}`];
}

/** Returns the reasons of skipped tests on a kernel, with their areas. */
function reasons({ kernel, files }: Run): readonly string[] {
  const areas = new Map<string, Set<string>>();
  for (const [file, { skips }] of files) {
    for (const reason of skips.values()) areas.set(reason, (areas.get(reason) ?? new Set()).add(areaOf(file)));
  }
  return [...areas].map(([reason, where]) => `${kernel}, ${[...where].sort().join(', ')}: ${reason}`).sort();
}

/** Returns the tests that every kernel skipped. */
function nowhere([first, ...others]: readonly Run[]): readonly string[] {
  if (first === undefined || others.length === 0) return [];
  return [...first.files]
    .flatMap(([file, { skips }]) =>
      [...skips.keys()]
        .filter((title) => others.every(({ files }) => files.get(file)?.skips.has(title)))
        .map((title) => `${file} › ${title}`),
    )
    .sort();
}
