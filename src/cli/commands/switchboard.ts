/** `gangway _switchboard`: what the first published port or name server starts, and the last one ends. */
import type { Execute } from '../command.ts';

export const execute: Execute = async (_, { engineOptions }) => {
  const [
    { assemble },
    { isSilent, keepFirewall },
    { publications, wantedNames },
    { runSwitchboard },
    { watchFirewall },
  ] = await Promise.all([
    import('../../engine/create.ts'),
    import('../../engine/keep-firewall.ts'),
    import('../../engine/publications.ts'),
    import('../../engine/switchboard/process.ts'),
    import('../../engine/switchboard/firewall-watch.ts'),
  ]);
  const say = (sentence: string) => void process.stderr.write(`${sentence}\n`);
  const context = assemble({ ...engineOptions, onWarning: say });
  const { records } = context;
  const watch = watchFirewall({
    repair: () => keepFirewall(context),
    isSilent: () => isSilent(context),
    onError: (error) => say(error instanceof Error ? error.message : String(error)),
  });
  await runSwitchboard({
    runtimeDirectory: records.directories.runtime,
    publishedPorts: () => publications(records),
    unknown: () => records.unreadable(),
    names: (attended) => wantedNames(records, attended),
  });
  watch.close();
  context.close();
  return 0;
};
