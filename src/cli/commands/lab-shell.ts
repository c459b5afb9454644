/** `gangway lab shell` */
import type { Execute } from '../command.ts';
import { labName, labPlace, labRegistry } from '../lab-defaults.ts';
import type { labPlaceOptions } from '../options.ts';

export const execute: Execute<typeof labPlaceOptions> = async ({ options }, context) => {
  const { shellInLab } = await import('../../lab/named-labs.ts');
  return await shellInLab(labName(options.name), labPlace(options.in), labRegistry(context));
};
