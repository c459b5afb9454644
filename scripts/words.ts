/**
 * Checks that sources, tests and documentation use plain words: see word-rules.ts.
 *
 *     npm run words               prints each marked word with its file and line, and a suggestion; fails if there is one
 *     npm run words -- --count    prints the number of marked words in each directory
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { applyExceptions, countByDirectory, findMarks, formatMark } from './word-rules.ts';

const pages = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md'];
/** This rule's own test quotes the words. */
const unread = ['test/unit/word-rules.test.ts'];

function filesIn(directory: string, extension: RegExp): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && extension.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !unread.includes(path))
    .sort();
}

const paths = [...filesIn('src', /./), ...filesIn('test', /\.(ts|js|mjs)$/), ...filesIn('docs', /\.md$/), ...pages];
const found = paths.flatMap((path) => findMarks(path, readFileSync(path, 'utf8')));
const { marks, errors } = applyExceptions(found, readFileSync('scripts/words-allowed.txt', 'utf8'));

const onlyCount = process.argv.includes('--count');
const lines = onlyCount
  ? countByDirectory(marks)
  : [...marks.map(formatMark), ...errors.map((error) => `scripts/words-allowed.txt: ${error}`)];
process.exitCode = !onlyCount && lines.length > 0 ? 1 : 0;
// `npm run words | head` closes the pipe early.
process.stdout.on('error', () => process.exit());
process.stdout.write(lines.map((line) => `${line}\n`).join(''));
