/** What the build has compiled of the program beforehand. Were it refused, every command would take longer and nobody would notice. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { Script } from 'node:vm';
import test from 'ava';
import { skipUnless } from '../support/skip.ts';

const code = 'dist/cli/gangway.code.js';

test('Node takes what was compiled instead of compiling again', (t) => {
  if (skipUnless(t, existsSync(code) ? undefined : 'dist/ is not built: run scripts/build')) return;
  const cachedData = readFileSync(`${code}.compiled`);
  const script = new Script(readFileSync(code, 'utf8'), { filename: code, cachedData });
  t.false(script.cachedDataRejected);
});

test('Node keeps its hands off our words', (t) => {
  if (skipUnless(t, existsSync(code) ? undefined : 'dist/ is not built: run scripts/build')) return;
  const words = ['run', '--env-file=/nonexistent', 'true'];
  const { status, stderr } = spawnSync('dist/cli/gangway.js', words, { encoding: 'utf8' });
  t.is(status, 125);
  t.regex(stderr, /^gangway: unknown flag: --env-file/);
});
