/** Commands that gangway, conmon and systemd start. Each imports what it needs itself. */
import { messageOf } from '../../values/errors.ts';
import type { Execute } from '../command.ts';

/** `gangway _exited ID`: conmon starts it when a container in the background has exited. */
export const exited: Execute = async ({ args: [id = ''] }, { engineOptions }) => {
  const { assemble } = await import('../../engine/create-engine.ts');
  const { exited } = await import('../../engine/container/exit-handler.ts');
  await exited(assemble(engineOptions), id);
  return 0;
};

/** `gangway _booted`: gangway-containers.service starts it after a boot. */
export const booted: Execute = async (_, { engineOptions, stderr }) => {
  const { assemble } = await import('../../engine/create-engine.ts');
  const { booted } = await import('../../engine/container/boot-restart.ts');
  const context = assemble({ ...engineOptions, onWarning: (warning) => void stderr.write(`${warning}\n`) });
  const all = await booted(context);
  context.close();
  return all ? 0 : 1;
};

/** `gangway _docker-proxy`: the first docker-proxy shim starts it (engine/docker-proxy/shim-server.ts). */
export const dockerProxy: Execute = async (_, { engineOptions }) => {
  const { switchboardOf } = await import('../../engine/create-engine.ts');
  const { directoriesOf } = await import('../../engine/store/directories.ts');
  await switchboardOf(directoriesOf(engineOptions)).hearStandIns();
  return 0;
};

/** `gangway _switchboard`: the first published port or DNS server starts it, and it exits after the last one. */
export const switchboard: Execute = async (_, { engineOptions }) => {
  const { assemble } = await import('../../engine/create-engine.ts');
  const { isSilent, keeper, keepFirewall } = await import('../../engine/firewall/auto-repair.ts');
  const { publications } = await import('../../engine/switchboard/port-diff.ts');
  const { desiredNameServices } = await import('../../engine/dns/zones.ts');
  const { EgressByName } = await import('../../engine/switchboard/egress-by-name.ts');
  const { openConnectHook } = await import('../../engine/switchboard/connect-hook.ts');
  const { runSwitchboard } = await import('../../engine/switchboard/main.ts');
  const { watchFirewall } = await import('../../engine/switchboard/firewall-monitor.ts');
  const { translated } = await import('../../engine/metrics/counters.ts');
  const { gangwayVersion } = await import('./system.ts');
  const log = (line: string) => void process.stderr.write(`${line}\n`);
  const context = assemble({ ...engineOptions, onWarning: log });
  const { records } = context;
  const onError = (error: unknown) => log(messageOf(error));
  const onHookFailure = (error: unknown) =>
    log(`local connections go through the relay, not the connect hook: ${messageOf(error)}`);
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
      version: gangwayVersion(),
      translated: () => translated(own),
      hook: { open: openConnectHook, onFailure: onHookFailure },
      publishedPorts: () => publications(records),
      unknown: () => records.unreadable(),
      names: (attended) => desiredNameServices(own, attended),
    });
  } finally {
    await watch.close();
  }
  context.close();
  return 0;
};
