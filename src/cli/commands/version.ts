/** `gangway version` */
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import type { Execute } from '../command.ts';
import { jsonLines, parseFormat } from '../format.ts';
import type { jsonOptions } from '../options.ts';

export const execute: Execute<typeof jsonOptions> = async ({ options }, { stdout }) => {
  const versions = { Gangway: ownVersion(), Node: process.versions.node, Kernel: release() };
  const lines = Object.entries(versions).map(([name, version]) => `${name.toLowerCase().padEnd(9)}${version}\n`);
  stdout.write(parseFormat(options.format) === 'json' ? jsonLines([versions]) : lines.join(''));
  return 0;
};

function ownVersion(): string {
  const description = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(description) as { version: string }).version;
}
