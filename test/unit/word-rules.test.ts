import test from 'ava';
import { applyExceptions, countByDirectory, findMarks, formatMark } from '../../scripts/word-rules.ts';

const words = (text: string) => findMarks('src/a.ts', text).map(({ word, line }) => `${line} ${word}`);

test('finds each marked word in any case', (t) => {
  const text = 'Whoever comes, whom, whose own, somebody, nobody, anew, is no way, is told, WHO ASKS';
  t.deepEqual(
    findMarks('a', text).map(({ word }) => word),
    ['Whoever', 'whom', 'whose own', 'somebody', 'nobody', 'anew', 'is no way', 'is told', 'WHO ASKS'],
  );
});

test('finds words in comments, strings and possessives', (t) => {
  t.deepEqual(words(`// nobody's port\nconst why = 'x is no number';\n/** The rule of somebody’s. */`), [
    '1 nobody',
    '2 is no number',
    '3 somebody',
  ]);
});

test('finds a phrase across a line break', (t) => {
  t.deepEqual(words(' * The port is\n * told.\n'), ['1 is told']);
  t.deepEqual(words('a client\n  // who\n  // asks\n'), ['2 who asks']);
  t.deepEqual(words('the host is\nno router\n'), ['1 is no router']);
});

test('ignores parts of longer words and sentences apart', (t) => {
  t.deepEqual(words('toldest this no whomever manew; The port is\n\nno; is 404'), []);
});

test('allows the user nobody of Unix', (t) => {
  t.deepEqual(words(`user: 'nobody', run --user nobody sh; exec -u nobody; "nobody" of nobody:x:65534`), []);
  t.deepEqual(words(`'nobody else', user is nobody`), ['1 nobody', '1 nobody']);
});

test('prints the place, the word and a suggestion', (t) => {
  t.deepEqual(findMarks('src/a.ts', '\nanew').map(formatMark), [
    'src/a.ts:2: "anew": write "again", or "a new" and the noun',
  ]);
});

const marks = [...findMarks('src/a.ts', 'asks nobody\nsays nobody'), ...findMarks('docs/b.md', 'whom')];

test('removes the marks that an exception allows', (t) => {
  const list = 'src/a.ts, Says nobody, quotes a program\n';
  const { marks: left, errors } = applyExceptions(marks, list);
  t.deepEqual(errors, []);
  t.deepEqual(
    left.map(({ path, line }) => `${path}:${line}`),
    ['src/a.ts:1', 'docs/b.md:1'],
  );
});

test('rejects exceptions that are unused, incomplete or too many', (t) => {
  const line = 'src/a.ts, whom, quotes a program';
  t.deepEqual(applyExceptions(marks, `${line}\nsrc/a.ts, nobody\nsrc/a.ts, says, no marked word\n`).errors, [
    `unused exception "${line}": remove it`,
    'invalid exception "src/a.ts, nobody": write path, phrase, reason',
    'unused exception "src/a.ts, says, no marked word": remove it',
  ]);
  const many = 'docs/b.md, whom, quotes a program\n'.repeat(16);
  t.deepEqual(applyExceptions(marks, many).errors, ['16 exceptions; the limit is 15']);
});

test('counts marks by directory', (t) => {
  t.deepEqual(countByDirectory([...marks, ...findMarks('README.md', 'whom')]), [
    '    1  .',
    '    1  docs',
    '    2  src',
    '    4  total',
  ]);
});
