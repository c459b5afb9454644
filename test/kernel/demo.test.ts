/** The first thing that a stranger runs. It checks its own proofs; here it is checked that it says so. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { skipUnless } from '../support/skip.ts';

test('the demo walks through the whole story, and every proof holds', async (t) => {
  if (skipUnless(t, process.geteuid?.() === 0 ? undefined : 'needs root')) return;
  // The demo would set up; a test must not change what other tests run from.
  const asked = readFileSync('package-lock.json', 'utf8') === readFileSync('node_modules/.installed-lock', 'utf8');
  if (skipUnless(t, asked ? undefined : 'node_modules is out of date: run scripts/setup')) return;
  const { exitCode, stdout, stderr } = await execa(resolve('scripts/demo'), { reject: false, timeout: 110_000 });
  if (exitCode !== 0) t.log(stdout, stderr);
  t.is(exitCode, 0);
  const lines = stdout.split('\n');
  t.regex(lines.at(-1) ?? '', /^All \d+ proofs hold, in [\d.]+ seconds\./);
  t.is(lines.filter((line) => line.startsWith('  ✓')).length, Number(/\d+/.exec(lines.at(-1) ?? '')?.[0]));
  t.deepEqual(
    lines.filter((line) => line.includes('\x1b')),
    [],
    'colour only on a terminal',
  );
  t.deepEqual(
    lines.filter((line) => line.length > 100),
    [],
    'at most 100 columns',
  );
});
