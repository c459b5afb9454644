/**
 * Prints 60 sentences of the repository, drawn at random, as a table. A reader marks the ones that are clear at first reading.
 *
 *     npm run sentences -- --seed 7
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { drawTable } from './sentence-draw.ts';
import * as extract from './sentence-sources.ts';

/** Pages that a command writes. */
const generated = ['docs/cli.md', 'docs/parity.md', 'docs/security.md'];

type File = readonly [path: string, text: string];

function readFiles(directory: string, suffix: string, recursive = true): File[] {
  const names = readdirSync(directory, { recursive, encoding: 'utf8' })
    .filter((name) => name.endsWith(suffix))
    .sort();
  return names.map((name) => [join(directory, name), readFileSync(join(directory, name), 'utf8')]);
}

const { seed } = parseArgs({ options: { seed: { type: 'string' } } }).values;
if (seed === undefined) {
  console.error('missing seed: run npm run sentences -- --seed 7');
  process.exit(2);
}

const sources = readFiles('src', '.ts');
const pages = [...readFiles('docs', '.md', false), ...readFiles('.', '.md', false)].filter(
  ([path]) => !generated.includes(path) && path !== 'CHANGELOG.md',
);
const errorFunctions = new Set(sources.flatMap((file) => extract.errorFunctionsOf(...file)));
const lots = [
  { kind: 'comment', count: 20, sentences: sources.flatMap((file) => extract.commentSentences(...file)) },
  { kind: 'page', count: 15, sentences: pages.flatMap((file) => extract.pageSentences(...file)) },
  {
    kind: 'message',
    count: 15,
    sentences: sources.flatMap((file) => extract.messageSentences(...file, errorFunctions)),
  },
  {
    kind: 'title',
    count: 10,
    sentences: readFiles('test', '.test.ts').flatMap((file) => extract.titleSentences(...file)),
  },
];
process.stdout.write(drawTable(lots, seed));
