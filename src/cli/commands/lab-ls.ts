/** `gangway lab ls` */
import { humanDuration } from '../../values/age.ts';
import type { Execute } from '../command.ts';
import { jsonLines, parseFormat } from '../format.ts';
import { labRegistry } from '../lab.ts';
import type { jsonOptions } from '../options.ts';
import { formatTable } from '../table.ts';

export const execute: Execute<typeof jsonOptions> = async ({ options }, context) => {
  const json = parseFormat(options.format) === 'json';
  const { listLabs } = await import('../../lab/named.ts');
  const labs = listLabs(labRegistry(context));
  const rows = labs.map(({ name, pid, places, createdAt }) => {
    return { Name: name, Places: places.join(','), PID: String(pid), CreatedAt: createdAt.toISOString() };
  });
  const cells = labs.map(({ name, pid, places, createdAt }) => {
    return [name, places.join(','), String(pid), `${humanDuration(Date.now() - createdAt.getTime())} ago`];
  });
  context.stdout.write(json ? jsonLines(rows) : formatTable([['NAME', 'PLACES', 'PID', 'CREATED'], ...cells]));
  return 0;
};
