/**
 * The processes of a container with --isolation=network.
 *
 * Without a PID namespace or a control group of its own, what the command started is known by the mount namespace: every container
 * has one of its own, children inherit it, and a daemon that forks away twice stays in it. The kernel gives its number to the next
 * one as soon as it has ended; where there is an id that nobody has had before, that counts as well.
 */
import {
  closeSync,
  constants,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { isAlive, killUntilNone, type ProcessIdentity, signalProcess } from '../../kernel/process.ts';
import { mountNamespaceId } from '../../sys/namespace.ts';
import { GangwayError, ignoring } from '../../values/errors.ts';
import type { Launch } from '../../values/launch.ts';
import { startFifoPath } from './network-isolation.ts';

/** How long a process may take into its namespaces. It takes 3 ms; a machine that is out of memory takes longer. */
const patienceMilliseconds = 30_000;

/** Lets the waiting process become the command. @throws GangwayError program-failed if it has ended, or does not come */
export async function releaseProcess(
  launch: Launch,
  launched: { readonly container: ProcessIdentity } | undefined,
): Promise<void> {
  const deadline = Date.now() + patienceMilliseconds;
  while (launched !== undefined && isAlive(launched.container) && Date.now() < deadline) {
    // ENXIO: nobody reads yet, the process is still on its way into its namespaces.
    const fd = ignoring('ENXIO', () => openSync(startFifoPath(launch), constants.O_WRONLY | constants.O_NONBLOCK));
    if (fd === undefined) {
      await setTimeout(1);
      continue;
    }
    try {
      // It reads, so that its namespaces are final.
      writeFileSync(membersPath(launch), mountNamespace(launched.container.pid) ?? '', { mode: 0o600 });
      writeSync(fd, 'go\n');
    } finally {
      closeSync(fd);
    }
    return rmSync(startFifoPath(launch), { force: true });
  }
  const why =
    launched !== undefined && isAlive(launched.container)
      ? `its first process is not in its namespaces after ${patienceMilliseconds / 1000} s`
      : 'its first process has ended';
  throw new GangwayError('program-failed', `container ${launch.id} could not be started: ${why}`, {
    hint: '`gangway logs` may show more',
  });
}

/** Kills whatever is left of the container. Never what shares the mount namespace of this program. @returns who does not end */
export async function killProcesses(
  launch: Launch,
  launched: { readonly container: ProcessIdentity } | undefined,
): Promise<readonly number[]> {
  if (launched !== undefined) signalProcess(launched.container, 'SIGKILL');
  const members = ignoring('ENOENT', () => readFileSync(membersPath(launch), 'utf8')) ?? '';
  if (members === '' || members === mountNamespace('self')) return [];
  return await killUntilNone(() => processes().filter((pid) => mountNamespace(pid) === members));
}

/**
 * Kills what a launch had started when its gangway was killed: unshare, the shell, conmon, crun, and the first process
 * as long as it is crun. They were not written down yet, but all of them were told the container's directory.
 *
 * @returns who does not end
 */
export async function killPartialLaunch({ directory }: Launch): Promise<readonly number[]> {
  return await killUntilNone(() => processes().filter((pid) => commandLine(pid).includes(directory)));
}

function processes(): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** Empty for a process that has ended. */
function commandLine(pid: number): readonly string[] {
  return (ignoring(['ENOENT', 'ESRCH'], () => readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ?? '').split('\0');
}

/**
 * `mnt:[4026532301]`, and its id in the next line; undefined for a process that has ended. Of one that is reaped between the look-up of the link and
 * its reading the kernel says EACCES (fs/proc/namespaces.c, proc_ns_readlink), as of one that may do more than this
 * program, which therefore did not start it.
 */
function mountNamespace(pid: string | number): string | undefined {
  const path = `/proc/${pid}/ns/mnt`;
  return ignoring(['ENOENT', 'ESRCH', 'EACCES'], () => [readlinkSync(path), mountNamespaceId(path)].join('\n'));
}

function membersPath(launch: Launch): string {
  return `${launch.directory}/members`;
}
