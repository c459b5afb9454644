/** Formats the results of the data plane as tables for docs/performance.md. */
import type { Report, Row } from './report.ts';

interface Table {
  /** Contender of the first column, the base of the ratios. */
  readonly base: string;
  readonly contenders: readonly string[];
  readonly works: ReadonlyMap<string, readonly Row[]>;
}

/** @param bases first columns, one for each table; the first table also has work without any base */
export function markdown({ machine, methods, skipped, rows }: Report, bases: readonly [string, ...string[]]): string {
  const baseOf = new Map(rows.map(({ work }) => [work, bases[0]]));
  for (const { work, contender } of rows) if (bases.includes(contender)) baseOf.set(work, contender);
  const tables = bases.map((base) =>
    tableOf(
      rows.filter(({ work }) => baseOf.get(work) === base),
      base,
    ),
  );
  const lines = [
    `${machine.processor}, ${machine.cores} virtual cores, ${machine.memoryGibibytes} GiB, Linux ${machine.kernel}, Node ${machine.node}, ` +
      `load ${machine.load.toFixed(1)} at the start. Medians; in brackets, the ratio to the first column, the median of the ratios of each round.`,
    ...tables.filter(({ works }) => works.size > 0).flatMap(lay),
    '',
    ...Object.entries(methods).map(([name, method]) => `* ${name}: ${method}`),
    ...skipped.map(({ name, skipped: reason }) => `* n/a, ${name}: ${reason}`),
  ];
  return `${lines.join('\n')}\n`;
}

function tableOf(rows: readonly Row[], base: string): Table {
  const others = rows.map(({ contender }) => contender).filter((name) => name !== base);
  const titles = [...new Set(rows.map(({ work }) => work))];
  const works = new Map(titles.map((title) => [title, rows.filter(({ work }) => work === title)]));
  return { base, contenders: [base, ...new Set(others)], works };
}

function lay({ base, contenders, works }: Table): readonly string[] {
  const lines = [...works].map(([title, rows]) => {
    const cells = contenders.map((name) =>
      cell(
        rows.find(({ contender }) => contender === name),
        base,
      ),
    );
    return line([`${title}, ${rows[0]?.unit}`, ...cells]);
  });
  return ['', line(['', ...contenders]), `|${'---|'.repeat(contenders.length + 1)}`, ...lines];
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function cell(row: Row | undefined, base: string): string {
  if (row === undefined) return 'n/a';
  const times = row.times[base];
  const comparable = row.contender !== base && times !== undefined && Number.isFinite(times) && times > 0;
  return comparable ? `${figure(row.median)} (${times.toPrecision(2)})` : figure(row.median);
}

/** Formats three significant digits: 0, 0.135, 1.25, 58.3, 14,100. */
function figure(value: number): string {
  if (value === 0) return '0';
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);
}
