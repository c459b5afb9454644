/**
 * The launch as a shell script: what a person would type to get the same container with crun alone.
 *
 * It shares its parts with the real thing: the same config.json, the same script for the tree, the same words. Only conmon
 * is left out, which isolates nothing: a shell's `&` and a file for the output take its place.
 */

import type { Launch } from '../../values/launch.ts';
import { quote } from '../../values/quote.ts';
import { ociConfiguration } from './configuration.ts';
import { exitFilePath } from './exit-hook.ts';
import { environmentPath, environmentScript, networkOnlyCommand } from './network-isolation.ts';
import { onRootfs } from './rootfs.ts';

/**
 * The lines that start the container. One without a client runs in the background with its output in the log file, so
 * that whoever reads the script's output sees its end.
 */
export function launchCommands(launch: Launch): string[] {
  const words = launch.isolation === 'full' ? fullWords(launch) : networkOnlyCommand(launch);
  const behind = launch.foreground ? '' : ` </dev/null >${quote(launch.logPath)} 2>&1 &`;
  return [
    ...(launch.isolation === 'full'
      ? bundleCommands(launch, launch.foreground && launch.terminal)
      : [`(umask 077; printf %s ${quote(environmentScript(launch))} >${quote(environmentPath(launch))})`]),
    `${words.map(quote).join(' ')}${behind}`,
  ];
}

function fullWords(launch: Launch): string[] {
  return [...onRootfs(launch), 'crun', `--root=${launch.runtimeRoot}`, 'run', '--bundle', launch.directory, launch.id];
}

function bundleCommands(launch: Launch, terminal: boolean): string[] {
  const directory = quote(launch.directory);
  return [
    ...comments(launch),
    `mkdir -p -m 711 ${directory}/root ${directory}/tree ${quote(launch.runtimeRoot)}`,
    `(umask 077; cat >${directory}/config.json) <<'END'`,
    renderJson(ociConfiguration({ ...launch, terminal })),
    'END',
  ];
}

/** What crun does with the file, for a reader. */
function comments({ network, userNamespace, cgroupPath, limits }: Launch): string[] {
  const joined = [
    ...(network.kind === 'host' ? [] : [`network ${network.path}`]),
    ...(userNamespace === undefined ? [] : [`user ${userNamespace.path}`]),
  ];
  return [
    '# crun makes the namespaces pid, ipc, uts, mount and cgroup',
    ...(joined.length === 0 ? [] : [`# and joins ${joined.join(', ')}`]),
    `# control group ${cgroupPath}, in every tree below /sys/fs/cgroup`,
    ...limitComments(limits).map((text) => `#   ${text}`),
  ];
}

function limitComments(limits: Launch['limits']): string[] {
  const { cpuMillis, cpuShares, memoryBytes, pids, blockWeight } = limits;
  return [
    ...(cpuMillis === undefined ? [] : [`cpu.max (cpu.cfs_quota_us): ${cpuMillis * 100} of every 100000 µs`]),
    ...(cpuShares === undefined ? [] : [`cpu.weight (cpu.shares): ${cpuShares} in shares`]),
    ...(memoryBytes === undefined ? [] : [`memory.max (memory.limit_in_bytes): ${memoryBytes}`]),
    ...(pids === undefined ? [] : [`pids.max: ${pids}`]),
    ...(blockWeight === undefined ? [] : [`io.bfq.weight (blkio.bfq.weight): ${blockWeight}`]),
    ...limits.deviceReadBytesPerSecond.map((rate) => `io.max (blkio.throttle.read_bps_device): ${device(rate)}`),
    ...limits.deviceWriteBytesPerSecond.map((rate) => `io.max (blkio.throttle.write_bps_device): ${device(rate)}`),
  ];
}

function device({ major, minor, bytesPerSecond }: Launch['limits']['deviceReadBytesPerSecond'][number]): string {
  return `${major}:${minor} ${bytesPerSecond}`;
}

/**
 * The lines that take the container away.
 *
 * Without its lock file conmon's exit script does nothing (exit.ts): the clean-up is this script's own.
 */
export function discardCommands(launch: Launch): string[] {
  const directory = quote(launch.directory);
  return [
    `rm -f ${directory}/lock`,
    ...(launch.isolation === 'network' ? killCommands(directory) : deleteCommands(launch)),
    `rm -rf ${directory} ${quote(exitFilePath(launch))}`,
  ];
}

/** The members of a network alone are known by their mount namespace (members.ts). */
function killCommands(directory: string): string[] {
  return [
    `read -r members <${directory}/members`,
    'for process in /proc/[0-9]*; do',
    '  [ "$(readlink "$process/ns/mnt")" != "$members" ] || kill -KILL "$(basename "$process")" 2>/dev/null || [ ! -e "$process" ]',
    'done',
  ];
}

function deleteCommands({ runtimeRoot, id, cgroupPath }: Launch): string[] {
  const groups: string[] = [];
  for (let path = cgroupPath; path !== ''; path = path.slice(0, path.lastIndexOf('/'))) {
    groups.push(`/sys/fs/cgroup${quote(path)}`, `/sys/fs/cgroup/*${quote(path)}`);
  }
  return [
    `crun --root=${quote(runtimeRoot)} delete --force ${quote(id)}`,
    `for group in ${groups.join(' ')}; do`,
    '  [ ! -d "$group" ] || rmdir --ignore-fail-on-non-empty "$group"',
    'done',
  ];
}

/** JSON with a line for each thing that a reader looks for: the first three levels broken, everything deeper in one line. */
export function renderJson(value: unknown, depth = 0): string {
  if (depth === 3 || value === null || typeof value !== 'object') return JSON.stringify(value);
  const indent = '  '.repeat(depth + 1);
  const list = Array.isArray(value);
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  if (entries.length === 0) return list ? '[]' : '{}';
  const lines = entries.map(
    ([key, item]) => `${indent}${list ? '' : `${JSON.stringify(key)}: `}${renderJson(item, depth + 1)}`,
  );
  const [open, close] = list ? ['[', ']'] : ['{', '}'];
  return `${open}\n${lines.join(',\n')}\n${'  '.repeat(depth)}${close}`;
}
