/** Tables as docker prints them: a heading, left-aligned columns three blanks apart, none narrower than ten. */

const gap = 3;
const narrowest = 10;

/** The rows, the heading first, as lines. The last column is not padded. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(narrowest, ...rows.map((row) => width(row[column] ?? '') + gap)),
  );
  const line = (row: readonly string[]) =>
    row.map((cell, column) => (column === row.length - 1 ? cell : pad(cell, widths[column] ?? 0))).join('');
  return rows.map((row) => `${line(row).trimEnd()}\n`).join('');
}

/** Two columns, indented, for help texts: a term and what it means. */
export function formatTerms(terms: readonly (readonly [term: string, meaning: string])[]): string {
  const widest = Math.max(0, ...terms.map(([term]) => width(term)));
  return terms.map(([term, meaning]) => `  ${pad(term, widest + gap)}${meaning}\n`).join('');
}

function width(text: string): number {
  return [...text].length;
}

function pad(text: string, to: number): string {
  return text + ' '.repeat(Math.max(0, to - width(text)));
}
