// Prints what two runs of scripts/test came to, beside each other: platforms.ts AREA KERNEL TRANSCRIPT [KERNEL TRANSCRIPT]…
import { readFileSync } from 'node:fs';
import { type Run, readRun, table } from './guest/table.ts';

const [only = '', ...rest] = process.argv.slice(2);
const runs: Run[] = [];
while (rest.length > 0) {
  const [kernel = '', transcript = ''] = rest.splice(0, 2);
  runs.push(readRun(kernel, readFileSync(transcript, 'utf8'), only));
}
process.stdout.write(table(runs));
