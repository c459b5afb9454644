/** `gangway lab`: labs by name. Each command loads src/lab itself, which other commands do not need. */
import { humanDuration } from '../../values/age.ts';
import { present } from '../../values/present.ts';
import type { Context, Execute } from '../command.ts';
import { parseListFormat } from '../format.ts';
import { formatRows } from '../list-output.ts';
import type { labListOptions, labNameOptions, labPlaceOptions } from '../options.ts';

const namedLabs = () => import('../../lab/named-labs.ts');

const defaultName = 'lab';
const defaultPlace = 'host';

function registry({ engineOptions }: Context): { readonly runtimeDirectory?: string } {
  return present({ runtimeDirectory: engineOptions.runtimeDirectory });
}

export const up: Execute<typeof labNameOptions> = async ({ options }, context) => {
  const name = options.name ?? defaultName;
  const { places } = await (await namedLabs()).upLab(name, registry(context));
  context.stdout.write(`${name}\n`);
  const shell = `gangway lab shell${options.name === undefined ? '' : ` --name ${name}`}`;
  context.stderr.write(`lab "${name}" is up, with ${places.join(' and ')}; try \`${shell}\`\n`);
  return 0;
};

export const exec: Execute<typeof labPlaceOptions> = async ({ options, args }, context) => {
  const { execInLab } = await namedLabs();
  return await execInLab(options.name ?? defaultName, options.in ?? defaultPlace, args, registry(context));
};

export const shell: Execute<typeof labPlaceOptions> = async ({ options }, context) => {
  const { shellInLab } = await namedLabs();
  return await shellInLab(options.name ?? defaultName, options.in ?? defaultPlace, registry(context));
};

export const down: Execute<typeof labNameOptions> = async ({ options: { name = defaultName } }, context) => {
  await (await namedLabs()).downLab(name, registry(context));
  context.stdout.write(`${name}\n`);
  return 0;
};

export const ls: Execute<typeof labListOptions> = async ({ options }, context) => {
  const format = await parseListFormat(options.format, layout.headings);
  const rows = (await namedLabs()).listLabs(registry(context)).map(({ name, pid, places, createdAt }) => ({
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
