/** `gangway _switchboard`: what the first published port or name server starts, and the last one ends. */
import type { Execute } from '../command.ts';

export const execute: Execute = async (_, { engineOptions }) => {
  const [{ directoriesOf }, { Records }, { publications, wantedNames }, { runSwitchboard }] = await Promise.all([
    import('../../engine/directories.ts'),
    import('../../engine/records.ts'),
    import('../../engine/publications.ts'),
    import('../../engine/switchboard/process.ts'),
  ]);
  const records = new Records(directoriesOf(engineOptions), (sentence) => process.stderr.write(`${sentence}\n`));
  await runSwitchboard({
    runtimeDirectory: records.directories.runtime,
    publishedPorts: () => publications(records),
    unknown: () => records.unreadable(),
    names: (attended) => wantedNames(records, attended),
  });
  return 0;
};
