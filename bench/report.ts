/** Formats results as a table and as JSON. */
import type { Absent, Contender } from './contender.ts';
import type { Measurement, Unit } from './log.ts';
import type { Machine } from './machine.ts';
import { pairedDifference, pairedRatio, type Summary, summarize } from './statistics.ts';

export interface Row extends Summary {
  readonly work: string;
  readonly contender: string;
  readonly unit: Unit;
  /** Samples by round; in nanoseconds if the unit is a millisecond. */
  readonly samples: readonly number[];
  /** Ratios to other contenders, compared round by round. */
  readonly times: Readonly<Record<string, number>>;
  /** Nanoseconds above an idle Node; whole commands only. */
  readonly aboveNode?: number;
}

export interface Report {
  readonly machine: Machine;
  readonly methods: Readonly<Record<string, string>>;
  readonly skipped: readonly Absent[];
  readonly rows: readonly Row[];
}

/** Contenders that are bases of ratios. */
const bases = ['C limit', 'netavark', 'dockerd', 'gangway, nftables', 'docker-proxy', 'gangway, relay', 'off'];
export const idleNode = 'node -e 0';

export function report(
  machine: Machine,
  contenders: readonly Pick<Contender, 'name' | 'method'>[],
  skipped: readonly Absent[],
  measurements: readonly Measurement[],
): Report {
  const methods = Object.fromEntries(contenders.map((contender) => [contender.name, contender.method]));
  const works = [...new Set(measurements.map((one) => one.work))];
  const rows = works.flatMap((work) => compare(measurements.filter((one) => one.work === work)));
  return { machine, methods, skipped, rows };
}

/** Returns the rows of one kind of work. */
function compare(measurements: readonly Measurement[]): Row[] {
  const compared = measurements.filter((one) => bases.includes(one.contender));
  const node = measurements.find((one) => one.contender === idleNode);
  return measurements.map((one) => ({
    ...one,
    ...summarize(one.samples),
    times: Object.fromEntries(compared.map((base) => [base.contender, pairedRatio(one.samples, base.samples)])),
    ...(node === undefined ? {} : { aboveNode: pairedDifference(one.samples, node.samples) }),
  }));
}

export function table({ machine, methods, skipped, rows }: Report): string {
  const flows = machine.trackedFlows === undefined ? '' : `, ${machine.trackedFlows} flows tracked`;
  const lines = [
    `${machine.processor}, ${machine.cores} cores, ${machine.memoryGibibytes} GiB, Linux ${machine.kernel}, ` +
      `Node ${machine.node}, load ${machine.load.toFixed(2)} at the start${flows}; times in milliseconds by default`,
  ];
  let work = '';
  for (const row of rows) {
    if (row.work !== work) lines.push('', cells([heading(row), 'median', 'min – max', ...comparisons(row).keys()]));
    work = row.work;
    const [median, least, most] = [row.median, row.minimum, row.maximum].map((value) => figure(value, row.unit));
    lines.push(cells([`  ${row.contender}`, `${median}`, `${least} – ${most}`, ...comparisons(row).values()]));
  }
  lines.push('');
  for (const [name, method] of Object.entries(methods)) lines.push(`${name}: ${method}`);
  for (const { name, skipped: reason } of skipped) lines.push(`skipped: ${name}: ${reason}`);
  return `${lines.join('\n')}\n`;
}

function heading({ work, unit }: Row): string {
  return unit === 'ms' ? work : `${work}, ${unit}`;
}

/** Returns heading and value of each comparison of a row. */
function comparisons(row: Row): ReadonlyMap<string, string> {
  const found = new Map(Object.entries(row.times).map(([base, times]) => [`× ${base}`, times.toFixed(2)]));
  if (row.aboveNode !== undefined) found.set('above node', figure(row.aboveNode, 'ms'));
  return found;
}

/** Formats three significant digits: 0.135, 1.25, 58.3, 1410. */
function figure(sample: number, unit: Unit): string {
  const value = unit === 'ms' ? sample / 1e6 : sample;
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function cells([first = '', ...others]: readonly string[]): string {
  return (first.padEnd(58) + others.map((cell) => cell.padStart(14)).join('')).trimEnd();
}
