/** `gangway lab exec` */
import type { Execute } from '../command.ts';
import { labName, labPlace, labRegistry } from '../lab-defaults.ts';
import type { labPlaceOptions } from '../options.ts';

export const execute: Execute<typeof labPlaceOptions> = async ({ options, words }, context) => {
  const { execInLab } = await import('../../lab/named-labs.ts');
  return await execInLab(labName(options.name), labPlace(options.in), words, labRegistry(context));
};
