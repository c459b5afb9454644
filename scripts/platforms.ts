// Compares results of scripts/test, from transcripts with the names of their kernels and optional continuations: 6.12.tap,
// 6.12.tap.1, 6.12.tap.2.
//
//     platforms.ts TRANSCRIPT…              prints a table with a column for each transcript
//     platforms.ts --unfinished TRANSCRIPT  prints the test files that have not finished
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { type Run, readRun, table } from './guest/table.ts';

const wanted = ['kernel', 'security'].flatMap((folder) =>
  readdirSync(`test/${folder}`).flatMap((file) => {
    const [, name] = /^(.*)\.test\.ts$/.exec(file) ?? [];
    return name === undefined ? [] : [`${folder} › ${name}`];
  }),
);

function read(transcript: string): Run {
  const parts = readdirSync(dirname(transcript)).filter((name) => name.startsWith(basename(transcript)));
  const texts = parts.sort().map((part) => readFileSync(`${dirname(transcript)}/${part}`, 'utf8'));
  return readRun(basename(transcript, '.tap'), texts.join('\n'));
}

const [first = '', second = ''] = process.argv.slice(2);
if (first === '--unfinished') {
  const { files } = read(second);
  const left = wanted.filter((name) => files.get(name)?.seconds === undefined);
  for (const name of left) console.log(`/${name.replace(' › ', '/')}.test.`);
} else {
  process.stdout.write(table(process.argv.slice(2).map(read), wanted));
}
