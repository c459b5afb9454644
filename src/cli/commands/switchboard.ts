/** `gangway _switchboard`: the process that holds the published ports, started by the first command that needs it. */
import type { Execute } from '../command.ts';

export const execute: Execute = async (_given, { engineOptions }) => {
  const [{ assemble }, { publications }, { runSwitchboard }] = await Promise.all([
    import('../../engine/create.ts'),
    import('../../engine/publications.ts'),
    import('../../engine/switchboard/process.ts'),
  ]);
  const { records } = assemble(engineOptions);
  const { runtime: runtimeDirectory } = records.directories;
  await runSwitchboard({ runtimeDirectory, publishedPorts: () => publications(records) });
  return 0;
};
