/**
 * A switchboard for tests: `switchboard-main.ts DIRECTORY`. What it is to serve stands in DIRECTORY/records.json. Into
 * DIRECTORY/learned, where that is, it writes when it begins and ends to learn, and whether somebody has the lock by then.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runSwitchboard } from '../../src/engine/switchboard/main.ts';
import { decodePublication } from '../../src/engine/switchboard/protocol.ts';
import { tryLock } from '../../src/sys/flock.ts';
import { ignoring } from '../../src/values/errors.ts';

const [, , runtimeDirectory = ''] = process.argv;

function note(word: string): void {
  const path = join(runtimeDirectory, 'learned');
  if (!existsSync(path)) return;
  const lock = tryLock(join(runtimeDirectory, 'switchboard.lock'));
  lock?.release();
  writeFileSync(path, `${word} ${lock === undefined ? 'locked' : 'free'}\n`, { flag: 'a' });
}

await runSwitchboard({
  runtimeDirectory,
  publishedPorts: () => {
    const text = ignoring('ENOENT', () => readFileSync(join(runtimeDirectory, 'records.json'), 'utf8')) ?? '[]';
    return (JSON.parse(text) as Parameters<typeof decodePublication>[0][]).map(decodePublication);
  },
  unknown: () => new Set(),
  version: '1.2.3',
  translated: () => ({ networks: [], ports: [] }),
  names: () => [],
  learned: {
    begin: () => note('begin'),
    open: () => undefined,
    async close() {
      await Promise.resolve();
      note('close');
    },
  },
});
