/** `gangway _exited ID`: what conmon calls when a container has ended and nobody is there to clean up. */
import type { Execute } from '../command.ts';

export const execute: Execute = async ({ words }, { engineOptions }) => {
  const [{ assemble }, { exited }] = await Promise.all([
    import('../../engine/create-engine.ts'),
    import('../../engine/container/exit-handler.ts'),
  ]);
  const [id = ''] = words;
  await exited(assemble(engineOptions), id);
  return 0;
};
