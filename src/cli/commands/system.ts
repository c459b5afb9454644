/** `gangway gc` and `gangway version`. */
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import type { Removed } from '../../engine/engine.ts';
import type { Execute } from '../command.ts';
import { formatObject, parseFormat, parseListFormat } from '../format.ts';
import { formatList, type Layout } from '../list-output.ts';
import type { garbageOptions, versionOptions } from '../options.ts';

export const gc: Execute<typeof garbageOptions> = async ({ options }, context) => {
  const format = await parseListFormat(options.format, layout);
  const engine = await context.engine();
  const removed = await engine.collectGarbage();
  const lines = removed.map(({ what, why }) => `removed ${what}: ${why}\n`).join('');
  context.stdout.write(formatList(removed, format, layout, lines));
  if (removed.length === 0) context.stderr.write('nothing to remove: every resource has an owner\n');
  return 0;
};

const layout: Layout<Removed> = { fields: { What: ['WHAT', ({ what }) => what], Why: ['WHY', ({ why }) => why] } };

export const version: Execute<typeof versionOptions> = async ({ options }, { stdout }) => {
  const format = await parseFormat(options.format);
  const versions = { Gangway: gangwayVersion(), Node: process.versions.node, Kernel: release() };
  const lines = Object.entries(versions).map(([name, number]) => `${name.toLowerCase().padEnd(9)}${number}\n`);
  stdout.write(format.kind === 'plain' ? lines.join('') : formatObject(versions, format));
  return 0;
};

/** Reads the version from gangway's package.json. */
export function gangwayVersion(): string {
  const description = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(description) as { version: string }).version;
}
