// Prints what runs of scripts/test came to, beside each other: platforms.ts TRANSCRIPT…, each called as its kernel is, and
// perhaps with parts beside it that go on: 6.12.tap, 6.12.tap.1, 6.12.tap.2.
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { readRun, table } from './guest/table.ts';

const wanted = ['kernel', 'security'].flatMap((folder) =>
  readdirSync(`test/${folder}`).flatMap((file) => {
    const [, name] = /^(.*)\.test\.ts$/.exec(file) ?? [];
    return name === undefined ? [] : [`${folder} › ${name}`];
  }),
);
const runs = process.argv.slice(2).map((transcript) => {
  const parts = readdirSync(dirname(transcript)).filter((name) => name.startsWith(basename(transcript)));
  const texts = parts.sort().map((part) => readFileSync(`${dirname(transcript)}/${part}`, 'utf8'));
  return readRun(basename(transcript, '.tap'), texts.join('\n'));
});
process.stdout.write(table(runs, wanted));
