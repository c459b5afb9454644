/** The command lines of the two programs that hold a container: conmon, which stays, and crun, which comes and goes. */
import { requireProgram } from '../../kernel/run-program.ts';
import type { Launch } from '../../values/launch.ts';
import { exitCommand } from './exit-hook.ts';
import { networkOnlyCommand, runtimeScript } from './network-isolation.ts';
import { onRootfs } from './rootfs.ts';

/** Any command to our crun: `crun --root … exec`. */
export function crunCommand(launch: Launch, ...parameters: readonly string[]): string[] {
  return [requireProgram('crun'), `--root=${launch.runtimeRoot}`, ...parameters];
}

/** conmon's whole command line. It starts the runtime with `create --bundle … ID` behind the words given here. @see conmon(8) */
export function conmonCommand(launch: Launch): string[] {
  const { id, directory } = launch;
  const [runtime = '', ...runtimeParameters] = runtimeCommand(launch);
  const [exit = '', ...exitParameters] = exitCommand(launch);
  return [
    requireProgram('conmon'),
    ...['--api-version', '1', '--cid', id, '--cuuid', id, '--name', id, '--bundle', directory],
    ...['--runtime', runtime, ...runtimeParameters.flatMap((parameter) => ['--runtime-arg', parameter])],
    ...['--container-pidfile', `${directory}/pid`, '--conmon-pidfile', `${directory}/conmon.pid`],
    ...['--log-path', `k8s-file:${launch.logPath}`, '--exit-dir', launch.exitDirectory],
    // The directory in which conmon leaves the file `oom`.
    ...['--persist-dir', directory, '--full-attach', '--no-sync-log', ...streams(launch)],
    ...['--exit-command', exit, ...exitParameters.flatMap((parameter) => ['--exit-command-arg', parameter])],
  ];
}

/**
 * conmon itself stays in the host's mount namespace, and with it the exit command: from within the tree's namespace it
 * could neither remove the container's directory, in which the tree is mounted, nor pin a namespace for the next life.
 */
function runtimeCommand(launch: Launch): string[] {
  if (launch.isolation === 'full') {
    // conmon looks for no program: it wants the path.
    const [, ...words] = onRootfs(launch);
    return [requireProgram('unshare'), ...words, ...crunCommand(launch)];
  }
  return ['/bin/sh', '-c', runtimeScript, 'gangway', launch.directory, ...networkOnlyCommand(launch)];
}

function streams({ isolation, terminal, interactive, foreground }: Launch): string[] {
  return [
    // With --isolation=network script(1) has the terminal, and conmon a pipe to it.
    ...(terminal && isolation === 'full' ? ['--terminal'] : []),
    ...(interactive ? ['--stdin'] : []),
    // Without it the first client that leaves closes the container's input for ever: right for `echo x | run -i cat`,
    // wrong where people come and go.
    ...(interactive && (terminal || !foreground) ? ['--leave-stdin-open'] : []),
  ];
}
