/**
 * `--isolation=network`: a command with a network of its own, and everything else as on the host.
 *
 *     nsenter --net=/run/netns/…                 the network
 *       unshare --mount --propagation slave      so that /etc/hosts and /sys can differ
 *         mount --bind hosts /etc/hosts …
 *         the command
 *
 * It needs util-linux and nothing else to isolate. conmon watches it as it watches every container, so that logs,
 * attaching, waiting and the exit command are one code path; in the place of crun it is given this shell script, which
 * keeps the one promise that conmon asks of a runtime: to leave behind a process that waits to be started, and its pid.
 *
 * No limits, no other tree, no fewer rights: what would need the other namespaces is refused, and not silently left out.
 */

import type { ContainerRequest } from '../../values/container.ts';
import { GangwayError } from '../../values/errors.ts';
import type { Launch } from '../../values/launch.ts';
import { quote } from '../../values/quote.ts';
import { isOfNetwork } from '../../values/sysctl-grammar.ts';

/** The FIFO that the process reads before it becomes the command. */
export function startFifoPath(launch: Launch): string {
  return `${launch.directory}/start`;
}

/**
 * Parameters: the container's directory, its pid file, and the words of the inner script. conmon adds words of its own.
 *
 * The shell gives background processes /dev/null as input, unless told otherwise: `<&0`.
 */
export const runtimeScript = `set -e
directory=$1
shift
mkfifo -m 600 "$directory/start"
"$@" <&0 &
echo $! >"$directory/pid"
`;

/**
 * Parameters: the container's directory, that of its hosts and resolv.conf, `own` or `host` for its network, its working directory, how many words the
 * command has, these, and then what conmon added, which is dropped: the words are moved behind it, one by one.
 *
 * A shell starts background processes with SIGINT and SIGQUIT ignored, and ignored they would stay; env(1) undoes it. Everybody may
 * read a process's words, and nobody its environment: that comes from a file.
 */
const commandScript = `set -e
directory=$1 identity=$2 network=$3 work=$4 count=$5
shift 5
rest=$(($# - count))
while [ "$count" -gt 0 ]; do set -- "$@" "$1"; shift; count=$((count - 1)); done
shift "$rest"
for name in hosts hostname resolv.conf; do
  [ ! -e "/etc/$name" ] || mount --bind "$identity/$name" "/etc/$name"
done
[ "$network" = host ] || mount -t sysfs sysfs /sys
cd "$work"
[ ! -p "$directory/start" ] || read -r _ <"$directory/start"
exec env -i --default-signal=INT,QUIT sh -c 'file=$1; shift; . "$file"; exec "$@"' gangway "$directory/environment" "$@"
`;

/** What the command's shell reads last, root's alone. */
export function environmentPath(launch: Launch): string {
  return `${launch.directory}/environment`;
}

/** A name that is none for a shell goes by env(1), for whose moment it can be read by all. */
export function environmentScript({ environment }: Launch): string {
  const isName = (variable: string) => /^[A-Za-z_]\w*=/.test(variable);
  const exported = environment.filter(isName).map((variable) => `export ${quote(variable)}`);
  const others = environment.filter((variable) => !isName(variable)).map(quote);
  const rest = others.length === 0 ? [] : [`set -- env ${others.join(' ')} "$@"`];
  return ['unset PWD OLDPWD', ...exported, ...rest, ''].join('\n');
}

/** The words that enter the network and run the command in it. */
export function networkOnlyCommand(launch: Launch): string[] {
  const { network, identity, directory, identityDirectory } = launch;
  const user = identity.uid === 0 && identity.gid === 0 ? [] : setpriv(launch);
  const command = [...user, ...launch.command];
  const words = launch.terminal ? onTerminal(command) : command;
  return [
    ...(network.kind === 'host' ? [] : ['nsenter', `--net=${network.path}`]),
    ...['unshare', '--mount', '--propagation', 'slave', 'sh', '-c', commandScript, 'gangway'],
    ...[directory, identityDirectory, network.kind === 'host' ? 'host' : 'own'],
    ...[launch.workingDirectory, String(words.length), ...words],
  ];
}

/** script(1) makes a terminal with its own line discipline. It takes a line for the shell, so that each word is quoted. */
function onTerminal(command: readonly string[]): string[] {
  const line = command.map(quote).join(' ');
  return ['script', '--quiet', '--return', '--flush', '--command', `exec ${line}`, '/dev/null'];
}

function setpriv({ identity: { uid, gid, additionalGids } }: Launch): string[] {
  const groups = additionalGids.length === 0 ? '--clear-groups' : `--groups=${additionalGids.join(',')}`;
  return ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, groups, '--'];
}

/** @throws GangwayError conflicting-options for the first option that needs more than a network namespace */
export function refuseOptionsBeyondNetwork(request: ContainerRequest): void {
  const { capabilities, limits } = request;
  const asked: readonly (readonly [string, boolean])[] = [
    ['--rootfs', request.rootfs !== undefined],
    ['--read-only', request.readOnly],
    ['--volume', request.volumes.length > 0],
    ['--hostname', request.hostname !== undefined],
    ['--init', request.init],
    ['--userns private', request.userNamespace === 'private'],
    ['--cap-add', capabilities.add.length > 0],
    ['--cap-drop', capabilities.drop.length > 0],
    ['--sysctl of shared memory or queues', !request.sysctls.every(isOfNetwork)],
    ['--cpus', limits.cpuMillis !== undefined],
    ['--cpu-shares', limits.cpuShares !== undefined],
    ['--memory', limits.memoryBytes !== undefined],
    ['--pids-limit', limits.pids !== undefined],
    ['--blkio-weight', limits.blockWeight !== undefined],
    ['--device-read-bps', (limits.deviceReadBytesPerSecond ?? []).length > 0],
    ['--device-write-bps', (limits.deviceWriteBytesPerSecond ?? []).length > 0],
  ];
  const option = asked.find(([, given]) => given)?.[0];
  if (option === undefined) return;
  throw new GangwayError('conflicting-options', `${option} can't be combined with --isolation=network`, {
    hint: '--isolation=full has it',
  });
}
