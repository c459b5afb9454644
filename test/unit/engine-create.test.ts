/** The engine as an object of a program that lives long. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { createEngine } from '../../src/engine/create-engine.ts';
import { openFiles } from '../../src/sys/open-files.ts';
import { parseNetworkCreate } from '../../src/values/network-grammar.ts';

test('a closed engine holds no descriptor, and works when it is asked again', async (t) => {
  const place = mkdtempSync(join(tmpdir(), 'gangway-create-'));
  t.teardown(() => rmSync(place, { recursive: true }));
  const engine = createEngine({ stateDirectory: place, runtimeDirectory: place, dryRun: true });
  const plan = () => engine.createNetwork(parseNetworkCreate({ name: 'web' }));
  await plan();
  engine.close();
  const before = openFiles();
  await plan();
  await plan();
  const used = openFiles();
  engine.close();
  engine.close();
  t.is(openFiles(), before);
  t.true(used > before && used <= before + 4, `${used} of ${before}`);
});
