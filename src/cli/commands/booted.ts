/** `gangway _booted`: what gangway-containers.service calls when the machine has started. */
import type { Execute } from '../command.ts';

export const execute: Execute = async (_, { engineOptions, stderr }) => {
  const [{ assemble }, { booted }] = await Promise.all([
    import('../../engine/create-engine.ts'),
    import('../../engine/container/boot-restart.ts'),
  ]);
  const context = assemble({ ...engineOptions, onWarning: (sentence) => void stderr.write(`${sentence}\n`) });
  const all = await booted(context);
  context.close();
  return all ? 0 : 1;
};
