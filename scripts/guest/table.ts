/** The same tests on several kernels, beside each other: a table out of what scripts/test printed on each. */

interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

/** What came of a file's tests. */
interface FileRun extends Count {
  /** Titles of what was skipped, each with the sentence that says why. */
  readonly skips: Map<string, string>;
  /** How long it took, by the clock of that machine; undefined where it has not come to its end. */
  seconds?: number;
  /** The commit that was tested, as `git describe` names it, if that is known. */
  readonly sources: string | undefined;
}

export interface Run {
  readonly kernel: string;
  /** By the words that stand before the titles of its tests: `kernel › macvlan`. */
  readonly files: ReadonlyMap<string, FileRun>;
}

/** @param tap what `scripts/test` printed, maybe several times: of each file the last time counts */
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
  let brokenOff: ReadonlySet<FileRun> = new Set();
  for (const line of tap.split('\n')) {
    const [, not, where = '', what = ''] = /^(not )?ok \d+ - ((?:kernel|security) › \S+) › (.*)/.exec(line) ?? [];
    const [, ended = '', seconds] = /^# (\S+ › \S+) › ended after ([\d.]+) s$/.exec(line) ?? [];
    const [, reason] = /^# {3}skipped: (.*)/.exec(line) ?? [];
    sources = /^# sources (\S+)$/.exec(line)?.[1] ?? sources;
    if (line === 'TAP version 13') {
      brokenOff = new Set([...files.values()].filter(({ seconds }) => seconds === undefined));
    } else if (where !== '') {
      [file, title] = [where, what];
      const known = files.get(file);
      const goesOn = known !== undefined && known.seconds === undefined && !brokenOff.has(known);
      const run = goesOn ? known : begin(file);
      run[not === undefined ? 'passed' : 'failed'] += 1;
    } else if (ended !== '') {
      (files.get(ended) ?? begin(ended)).seconds = Number(seconds);
    } else if (reason !== undefined) {
      skip(files.get(file), title, reason);
    }
  }
  return { kernel, files };
}

/** ava tells of a test that skipped itself as of one that has passed. */
function skip(run: FileRun | undefined, title: string, reason: string): void {
  if (run === undefined) return;
  run.passed -= 1;
  run.skipped += 1;
  run.skips.set(title, reason);
}

/**
 * A Markdown table with a row for each area, and the reasons of what was skipped.
 *
 * @param wanted all files that there are, so that those show that were not run
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
    ...list('Shown on none', nowhere(runs)),
    '',
  ].join('\n');
}

/** `macvlan` of "kernel › macvlan", `story` of "kernel › story-bridge", `security` of all attacks. */
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
    ...(broken > 0 ? [`${broken} of ${wanted.length} files broken off`] : []),
    ...(absent > 0 ? [`${absent} of ${wanted.length} files not run`] : []),
    `${Math.ceil(sum('seconds'))} s`,
  ].join(', ');
}

function list(title: string, items: readonly string[]): readonly string[] {
  return items.length === 0 ? [] : ['', `${title}:`, '', ...items.map((item) => `* ${item}`)];
}

/** The commits that a kernel's files were tested at. */
function sourcesOf({ kernel, files }: Run): readonly string[] {
  const counts = new Map<string, number>();
  for (const { sources } of files.values())
    if (sources !== undefined) counts.set(sources, (counts.get(sources) ?? 0) + 1);
  const told = [...counts].map(([sources, count]) => `${sources} (${count === 1 ? 'a file' : `${count} files`})`);
  return told.length === 0 ? [] : [`${kernel}: ${told.join(', ')}`];
}

/** What was skipped on a kernel: its sentences, each with the areas where it was said. */
function reasons({ kernel, files }: Run): readonly string[] {
  const areas = new Map<string, Set<string>>();
  for (const [file, { skips }] of files) {
    for (const reason of skips.values()) areas.set(reason, (areas.get(reason) ?? new Set()).add(areaOf(file)));
  }
  return [...areas].map(([reason, where]) => `${kernel}, ${[...where].sort().join(', ')}: ${reason}`).sort();
}

/** Tests that were skipped on every kernel. */
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
