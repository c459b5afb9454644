/** `gangway lab ls` */
import { humanDuration } from '../../values/age.ts';
import type { Execute } from '../command.ts';
import { parseListFormat } from '../format.ts';
import { labRegistry } from '../lab-defaults.ts';
import type { labListOptions } from '../options.ts';
import { formatRows } from '../rows.ts';

export const execute: Execute<typeof labListOptions> = async ({ options }, context) => {
  const format = await parseListFormat(options.format, layout.headings);
  const { listLabs } = await import('../../lab/named-labs.ts');
  const rows = listLabs(labRegistry(context)).map(({ name, pid, places, createdAt }) => ({
    CreatedAt: createdAt.toISOString(),
    Name: name,
    PID: String(pid),
    Places: places.join(','),
    RunningFor: `${humanDuration(Date.now() - createdAt.getTime())} ago`,
  }));
  context.stdout.write(formatRows(rows, format, layout));
  return 0;
};

const layout = {
  headings: { CreatedAt: 'CREATED AT', Name: 'NAME', PID: 'PID', Places: 'PLACES', RunningFor: 'CREATED' },
  columns: ['Name', 'Places', 'PID', 'RunningFor'],
} as const;
