/** `gangway lab up` */
import type { Execute } from '../command.ts';
import { labName, labRegistry } from '../lab-defaults.ts';
import type { labNameOptions } from '../options.ts';

export const execute: Execute<typeof labNameOptions> = async ({ options }, context) => {
  const { upLab } = await import('../../lab/named-labs.ts');
  const name = labName(options.name);
  const { places } = await upLab(name, labRegistry(context));
  context.stdout.write(`${name}\n`);
  const shell = `gangway lab shell${options.name === undefined ? '' : ` --name ${name}`}`;
  context.stderr.write(`lab "${name}" is up, with ${places.join(' and ')}; try \`${shell}\`\n`);
  return 0;
};
