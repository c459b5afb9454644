/** `gangway lab`: labs by name. Each command loads src/lab itself, which other commands do not need. */
import type { LabSummary } from '../../lab/named-labs.ts';
import { humanDuration } from '../../values/age.ts';
import { present } from '../../values/present.ts';
import type { Context, Execute } from '../command.ts';
import { parseListFormat } from '../format.ts';
import { formatList, type Layout } from '../list-output.ts';
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
  const format = await parseListFormat(options.format, layout);
  const { listLabs } = await namedLabs();
  context.stdout.write(formatList(listLabs(registry(context)), format, layout));
  return 0;
};

const layout: Layout<LabSummary> = {
  fields: {
    CreatedAt: ['CREATED AT', ({ createdAt }) => createdAt.toISOString()],
    Name: ['NAME', ({ name }) => name],
    PID: ['PID', ({ pid }) => String(pid)],
    Places: ['PLACES', ({ places }) => places.join(',')],
    RunningFor: ['CREATED', ({ createdAt }) => `${humanDuration(Date.now() - createdAt.getTime())} ago`],
  },
  columns: ['Name', 'Places', 'PID', 'RunningFor'],
};
