/** What the build has compiled of the program beforehand. Were it refused, every command would take longer and nobody would notice. */
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
