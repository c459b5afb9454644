import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import test from 'ava';
import { examples, pages, runnable, typeErrors } from '../support/docs-examples.ts';
import { skipUnless } from '../support/skip.ts';

const all = pages.flatMap(examples);

test('there are examples, and each one that prints says what', (t) => {
  t.true(all.length >= 8);
  t.deepEqual(
    all.filter(({ code, prints }) => code.includes('console.log') && prints === undefined).map(({ where }) => where),
    all.filter(({ where }) => where.startsWith('README.md')).map(({ where }) => where),
  );
});

test('each one that needs root says so', (t) => {
  for (const { where, code, needsRoot } of all) t.is(code.startsWith('// As root.\n'), needsRoot, where);
});

test('every example compiles', (t) => {
  t.deepEqual(typeErrors(all), []);
});

for (const example of all.filter(({ needsRoot }) => !needsRoot)) {
  test(`${example.where} prints what it says`, (t) => {
    if (skipUnless(t, existsSync('dist/index.js') ? undefined : 'dist/ is not built: run scripts/build')) return;
    const options = { input: runnable(example), encoding: 'utf8' } as const;
    t.is(execFileSync(process.execPath, ['--input-type=module'], options), example.prints ?? '');
  });
}
