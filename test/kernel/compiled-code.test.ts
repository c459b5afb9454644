/** Tests the compiled code of the program. If Node rejected the code, every command would silently be slower. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { Script } from 'node:vm';
import test from 'ava';
import { skipUnless } from '../support/skip.ts';

const code = 'dist/cli/gangway.code.js';

test('loads the compiled code without compiling again', (t) => {
  if (skipUnless(t, existsSync(code) ? undefined : 'dist/ is not built: run scripts/build')) return;
  const cachedData = readFileSync(`${code}.compiled`);
  const script = new Script(readFileSync(code, 'utf8'), { filename: code, cachedData });
  t.false(script.cachedDataRejected);
});

test('passes arguments to the program unchanged', (t) => {
  if (skipUnless(t, existsSync(code) ? undefined : 'dist/ is not built: run scripts/build')) return;
  const words = ['run', '--env-file=/nonexistent', 'true'];
  const { status, stderr } = spawnSync('dist/cli/gangway.js', words, { encoding: 'utf8' });
  t.is(status, 125);
  t.regex(stderr, /^gangway: unknown flag: --env-file/);
});
