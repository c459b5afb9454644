import test from 'ava';
import { drawTable } from '../../scripts/sentence-draw.ts';
import * as sources from '../../scripts/sentence-sources.ts';

const placed = (sentences: readonly sources.Sentence[]) => sentences.map(({ line, text }) => `${line} ${text}`);

test('reads doc comments sentence by sentence, without drawings, code and references', (t) => {
  const source = `/**
 * Sets up a bridge,
 * see e.g. Docker. It returns its name.
 *
 *     +---- drawing
 *
 * - The first item calls {@link close}.
 * @param name of the link @returns the index of the link
 * @see bridge(8)
 */
// no doc comment
export const a = '/** no comment */'`;
  t.deepEqual(placed(sources.commentSentences('a.ts', source)), [
    '2 Sets up a bridge, see e.g. Docker.',
    '2 It returns its name.',
    '7 The first item calls close.',
    '8 of the link',
    '8 the index of the link',
  ]);
});

test('reads pages without headings, tables and code', (t) => {
  const page =
    '# Title\n\nSee **the** [tour](a.md). It is\nshort.\n\n```sh\nls.\n```\n\n| a | b |\n\n    code\n* An item.';
  t.deepEqual(placed(sources.pageSentences('a.md', page)), ['3 See the tour.', '3 It is short.', '13 An item.']);
});

test('reads errors, hints and help, with placeholders', (t) => {
  const source = `function invalid(text: string): UsageError { return new UsageError(\`port \${text}: \${reason}\`) }
    invalid('port is missing'); other('not an error');
    const options = { help: 'Print it', hint: ready ? 'first hint' : 'second hint. More of it.' };`;
  const errors = new Set(sources.errorFunctionsOf('a.ts', source));
  const found = placed(sources.messageSentences('a.ts', source, errors));
  const hints = ['3 Print it', '3 first hint', '3 second hint.', '3 More of it.'];
  t.deepEqual(found, ['1 port \u0024{…}: \u0024{…}', '2 port is missing', ...hints]);
});

test('reads test titles', (t) => {
  const source = 'test("rejects a port. It fails", f);\ntest.serial(`on \u0024{name} starts`, f);\ntest(title, f);';
  t.deepEqual(placed(sources.titleSentences('a.ts', source)), ['1 rejects a port. It fails', '2 on \u0024{…} starts']);
});

test('draws the same sentences for the same seed, and skips short ones', (t) => {
  const texts = ['only three words', ...[...'abcdefgh'].map((letter) => `${letter} | two three`)];
  const lots = [{ kind: 'page', count: 3, sentences: texts.map((text, line) => ({ path: 'a', line, text })) }];
  const table = drawTable(lots, '7');
  t.is(table, drawTable(lots, '7'));
  t.not(table, drawTable(lots, '8'));
  t.regex(table, /^\| 3 \| a:\d \| page \| . \\\| two three \| \|\n$/m);
  t.notRegex(table, /only three|^\| 4/m);
});
