/**
 * A switchboard for tests: `switchboard-main.ts DIRECTORY`. What it is to serve stands in DIRECTORY/records.json.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runSwitchboard } from '../../src/engine/switchboard/process.ts';
import { decodePublication } from '../../src/engine/switchboard/protocol.ts';
import { ignoring } from '../../src/values/errors.ts';

const [, , runtimeDirectory = ''] = process.argv;

await runSwitchboard({
  runtimeDirectory,
  publishedPorts: () => {
    const text = ignoring('ENOENT', () => readFileSync(join(runtimeDirectory, 'records.json'), 'utf8')) ?? '[]';
    return (JSON.parse(text) as Parameters<typeof decodePublication>[0][]).map(decodePublication);
  },
  unknown: () => new Set(),
  names: () => [],
  open: () => undefined,
});
