/** `gangway _switchboard`: what the first published port or name server starts, and the last one ends. */
import { messageOf } from '../../values/errors.ts';
import type { Execute } from '../command.ts';

export const execute: Execute = async (_, { engineOptions }) => {
  const [
    { assemble },
    { isSilent, keeper, keepFirewall },
    { publications },
    { desiredNameServices: wantedNames },
    { EgressByName },
    { openConnectHook },
    { runSwitchboard },
    { watchFirewall },
    { translated },
    { ownVersion },
  ] = await Promise.all([
    import('../../engine/create-engine.ts'),
    import('../../engine/firewall/auto-repair.ts'),
    import('../../engine/switchboard/port-diff.ts'),
    import('../../engine/dns/zones.ts'),
    import('../../engine/switchboard/egress-by-name.ts'),
    import('../../engine/switchboard/connect-hook.ts'),
    import('../../engine/switchboard/main.ts'),
    import('../../engine/switchboard/firewall-monitor.ts'),
    import('../../engine/metrics/counters.ts'),
    import('../version.ts'),
  ]);
  const say = (sentence: string) => void process.stderr.write(`${sentence}\n`);
  const context = assemble({ ...engineOptions, onWarning: say });
  const { records } = context;
  const onError = (error: unknown) => say(messageOf(error));
  const onHookFailure = (error: unknown) =>
    say(`processes of this machine are not led past the relay: ${messageOf(error)}`);
  const own = keeper(context);
  const learned = new EgressByName(own, onError);
  const watch = watchFirewall({
    async repair(signal) {
      await keepFirewall(own, signal);
      await learned.restore();
    },
    isSilent: () => isSilent(context),
    onError,
  });
  try {
    await runSwitchboard({
      runtimeDirectory: records.directories.runtime,
      learned,
      version: ownVersion(),
      translated: () => translated(own),
      hook: { open: openConnectHook, onFailure: onHookFailure },
      publishedPorts: () => publications(records),
      unknown: () => records.unreadable(),
      names: (attended) => wantedNames(own, attended),
    });
  } finally {
    await watch.close();
  }
  context.close();
  return 0;
};
