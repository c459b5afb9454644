/** `gangway lab down` */
import type { Execute } from '../command.ts';
import { labName, labRegistry } from '../lab-defaults.ts';
import type { labNameOptions } from '../options.ts';

export const execute: Execute<typeof labNameOptions> = async ({ options }, context) => {
  const { downLab } = await import('../../lab/named-labs.ts');
  const name = labName(options.name);
  await downLab(name, labRegistry(context));
  context.stdout.write(`${name}\n`);
  return 0;
};
