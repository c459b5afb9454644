import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import test from 'ava';
import { examples, pages, runnable, typeErrors } from '../support/docs-examples.ts';
import { skipUnless } from '../support/skip.ts';

const all = pages.flatMap(examples);

test('each example that prints shows its output', (t) => {
  t.true(all.length >= 8);
  const silent = all.filter(({ code, prints }) => code.includes('console.log') && prints === undefined);
  t.deepEqual(
    silent.map(({ where }) => where),
    [],
  );
});

test('each example that needs root says so', (t) => {
  for (const { where, code, needsRoot } of all) t.is(code.startsWith('// As root.\n'), needsRoot, where);
});

test('every example compiles', (t) => {
  t.deepEqual(typeErrors(all), []);
});

for (const example of all.filter(({ needsRoot }) => !needsRoot)) {
  test(`${example.where} prints what the page shows`, (t) => {
    if (skipUnless(t, existsSync('dist/index.js') ? undefined : 'dist/ is not built: run scripts/build')) return;
    const options = { input: runnable(example), encoding: 'utf8' } as const;
    t.is(execFileSync(process.execPath, ['--input-type=module'], options), example.prints ?? '');
  });
}
