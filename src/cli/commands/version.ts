/** `gangway version` */
import { release } from 'node:os';
import type { Execute } from '../command.ts';
import { parseFormat } from '../format.ts';
import { formatObject } from '../inspect-output.ts';
import type { versionOptions } from '../options.ts';
import { ownVersion } from '../version.ts';

export const execute: Execute<typeof versionOptions> = async ({ options }, { stdout }) => {
  const format = await parseFormat(options.format);
  const versions = { Gangway: ownVersion(), Node: process.versions.node, Kernel: release() };
  const lines = Object.entries(versions).map(([name, version]) => `${name.toLowerCase().padEnd(9)}${version}\n`);
  stdout.write(format.kind === 'plain' ? lines.join('') : formatObject(versions, format));
  return 0;
};
