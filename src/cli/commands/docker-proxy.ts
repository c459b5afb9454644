/** `gangway _docker-proxy`: what the first stand-in of docker-proxy starts (src/engine/docker-proxy/stand-ins.ts). */
import type { Execute } from '../command.ts';

export const execute: Execute = async (_, { engineOptions }) => {
  const [{ switchboardOf }, { directoriesOf }] = await Promise.all([
    import('../../engine/create.ts'),
    import('../../engine/directories.ts'),
  ]);
  await switchboardOf(directoriesOf(engineOptions)).hearStandIns();
  return 0;
};
