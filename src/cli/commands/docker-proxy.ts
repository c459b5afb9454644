/** `gangway _docker-proxy`: what the first stand-in of docker-proxy starts (src/engine/docker-proxy/shim-server.ts). */
import type { Execute } from '../command.ts';

export const execute: Execute = async (_, { engineOptions }) => {
  const [{ switchboardOf }, { directoriesOf }] = await Promise.all([
    import('../../engine/create-engine.ts'),
    import('../../engine/store/directories.ts'),
  ]);
  await switchboardOf(directoriesOf(engineOptions)).hearStandIns();
  return 0;
};
