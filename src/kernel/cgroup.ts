/**
 * Control groups: how the kernel counts and limits what a group of processes uses.
 *
 * There are two layouts. Version 2 is one tree, in which every directory has the files of all controllers. Version 1 is
 * one tree per controller, and a container has a directory of the same path in each. `hybrid` is version 1 with an empty
 * version 2 tree beside it; for limits and counters it counts as version 1.
 *
 *     version 2   /sys/fs/cgroup/gangway/ID/memory.max
 *     version 1   /sys/fs/cgroup/memory/gangway/ID/memory.limit_in_bytes
 *
 * crun makes the directories and writes the limits. This file reads, ends and removes.
 *
 * @see cgroups(7), Documentation/admin-guide/cgroup-v2.rst, Documentation/admin-guide/cgroup-v1/
 */
import { readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { ignoring } from '../values/errors.ts';

/** One mounted tree. Version 2 has the controller name `` (empty): all of them. */
export interface CgroupHierarchy {
  readonly version: 1 | 2;
  readonly controllers: readonly string[];
  readonly mountPoint: string;
}

/** The machine's layout. */
export interface CgroupLayout {
  readonly kind: 'v1' | 'v2' | 'hybrid' | 'none';
  readonly hierarchies: readonly CgroupHierarchy[];
}

/** Counters of one group since it was made. Undefined where no controller counts. */
export interface CgroupCounters {
  readonly cpuNanoseconds?: bigint;
  readonly throttledPeriods?: number;
  readonly throttledNanoseconds?: bigint;
  readonly memoryBytes?: number;
  readonly memoryLimitBytes?: number;
  readonly outOfMemoryKills?: number;
  readonly pids?: number;
  readonly pidsLimit?: number;
  readonly blockReadBytes?: bigint;
  readonly blockWriteBytes?: bigint;
}

/** Finds the trees. @param mountinfo `/proc/self/mountinfo` */
export function parseLayout(mountinfo: string): CgroupLayout {
  const hierarchies: CgroupHierarchy[] = [];
  for (const line of mountinfo.split('\n')) {
    const [fields = '', rest = ''] = line.split(' - ');
    const [type, , options = ''] = rest.split(' ');
    const mountPoint = fields.split(' ')[4];
    if (mountPoint === undefined || (type !== 'cgroup' && type !== 'cgroup2')) continue;
    const controllers = options.split(',').filter((option) => option !== 'rw' && option !== 'ro');
    hierarchies.push(
      type === 'cgroup2' ? { version: 2, controllers: [], mountPoint } : { version: 1, controllers, mountPoint },
    );
  }
  const versions = new Set(hierarchies.map(({ version }) => version));
  const kind = versions.size === 2 ? 'hybrid' : versions.has(2) ? 'v2' : versions.has(1) ? 'v1' : 'none';
  return { kind, hierarchies };
}

export function readLayout(): CgroupLayout {
  return parseLayout(readFileSync('/proc/self/mountinfo', 'utf8'));
}

/** The directories of one group, one in each tree; whether they exist is another question. */
export function cgroupDirectories(layout: CgroupLayout, path: string): string[] {
  return layout.hierarchies.map(({ mountPoint }) => `${mountPoint}${path}`);
}

/** The directory in which a controller counts: the tree of version 1 that has it, or the one of version 2. */
export function controllerDirectory(layout: CgroupLayout, controller: string, path: string): string | undefined {
  const tree =
    layout.hierarchies.find(({ version, controllers }) => version === 1 && controllers.includes(controller)) ??
    layout.hierarchies.find(({ version }) => version === 2);
  return tree === undefined ? undefined : `${tree.mountPoint}${path}`;
}

/** How a file of a group is read: undefined where there is none. Data in a unit test. */
export type ReadCgroupFile = (path: string) => string | undefined;

function readFile(path: string): string | undefined {
  // ENODEV: the group was removed while the file was open.
  return ignoring(['ENOENT', 'ENODEV', 'EOPNOTSUPP'], () => readFileSync(path, 'utf8'));
}

/** Reads every counter that this machine has for the group. */
export function readCounters(layout: CgroupLayout, path: string, read: ReadCgroupFile = readFile): CgroupCounters {
  const file = (controller: string, name: string) => {
    const directory = controllerDirectory(layout, controller, path);
    return directory === undefined ? undefined : read(`${directory}/${name}`);
  };
  return withoutUndefined(layout.kind === 'v2' ? countersOfVersion2(file) : countersOfVersion1(file));
}

type ControllerFile = (controller: string, name: string) => string | undefined;
type Counters = { [K in keyof CgroupCounters]: CgroupCounters[K] | undefined };

function countersOfVersion2(file: ControllerFile): Counters {
  const cpu = keyed(file('cpu', 'cpu.stat'));
  const io = file('io', 'io.stat');
  return {
    cpuNanoseconds: microseconds(cpu.get('usage_usec')),
    throttledPeriods: count(cpu.get('nr_throttled')),
    throttledNanoseconds: microseconds(cpu.get('throttled_usec')),
    memoryBytes: count(file('memory', 'memory.current')),
    memoryLimitBytes: limit(file('memory', 'memory.max')),
    outOfMemoryKills: count(keyed(file('memory', 'memory.events')).get('oom_kill')),
    pids: count(file('pids', 'pids.current')),
    pidsLimit: limit(file('pids', 'pids.max')),
    blockReadBytes: sum(io, /\brbytes=(\d+)/g),
    blockWriteBytes: sum(io, /\bwbytes=(\d+)/g),
  };
}

function countersOfVersion1(file: ControllerFile): Counters {
  const cpu = keyed(file('cpu', 'cpu.stat'));
  const throttle = file('blkio', 'blkio.throttle.io_service_bytes');
  return {
    cpuNanoseconds: big(file('cpuacct', 'cpuacct.usage')),
    throttledPeriods: count(cpu.get('nr_throttled')),
    throttledNanoseconds: big(cpu.get('throttled_time')),
    memoryBytes: count(file('memory', 'memory.usage_in_bytes')),
    memoryLimitBytes: limit(file('memory', 'memory.limit_in_bytes')),
    outOfMemoryKills: count(keyed(file('memory', 'memory.oom_control')).get('oom_kill')),
    pids: count(file('pids', 'pids.current')),
    pidsLimit: limit(file('pids', 'pids.max')),
    blockReadBytes: sum(throttle, / Read (\d+)/g),
    blockWriteBytes: sum(throttle, / Write (\d+)/g),
  };
}

/** `name value` lines. */
function keyed(text: string | undefined): Map<string, string> {
  return new Map((text ?? '').split('\n').map((line) => line.split(' ') as [string, string]));
}

function big(text: string | undefined): bigint | undefined {
  return text === undefined ? undefined : BigInt(text.trim());
}

function microseconds(text: string | undefined): bigint | undefined {
  return text === undefined ? undefined : BigInt(text) * 1000n;
}

function count(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

/** `max`, and version 1's largest number of pages, are no limit. */
function limit(text: string | undefined): number | undefined {
  const value = text === undefined || text.trim() === 'max' ? undefined : Number(text);
  return value === undefined || value > Number.MAX_SAFE_INTEGER ? undefined : value;
}

function sum(text: string | undefined, pattern: RegExp): bigint | undefined {
  if (text === undefined) return undefined;
  return [...text.matchAll(pattern)].reduce((total, [, bytes = '0']) => total + BigInt(bytes), 0n);
}

function withoutUndefined(counters: Counters): CgroupCounters {
  return Object.fromEntries(Object.entries(counters).filter(([, value]) => value !== undefined)) as CgroupCounters;
}

/** Can memory and swap be limited together? Not where the kernel doesn't account for swap. */
export function hasSwapAccounting(
  layout: CgroupLayout,
  read: (directory: string) => readonly string[] = list,
): boolean {
  const directory = controllerDirectory(layout, 'memory', '');
  if (directory === undefined) return false;
  // The root of version 2 has no limits at all; whether swap is counted shows in its statistics.
  if (layout.kind === 'v2') return (readFile(`${directory}/memory.stat`) ?? '').includes('\nswapcached ');
  return read(directory).includes('memory.memsw.limit_in_bytes');
}

/** Does a scheduler run that shares a disk by weight? */
export function hasBlockWeight(layout: CgroupLayout, read: (directory: string) => readonly string[] = list): boolean {
  const directory = controllerDirectory(layout, layout.kind === 'v2' ? 'io' : 'blkio', '');
  if (directory === undefined) return false;
  // The root of version 2 has no weight; any group below it shows whether there is one.
  const groups = layout.kind === 'v2' ? read(directory).map((name) => `${directory}/${name}`) : [directory];
  return groups.some((group) => read(group).some((name) => /^(blk)?io\.(bfq\.)?weight$/.test(name)));
}

function list(directory: string): readonly string[] {
  return ignoring(['ENOENT', 'ENOTDIR'], () => readdirSync(directory)) ?? [];
}

/**
 * Kills every process of a group. Version 2 does it in one stroke; in version 1 the list is read until it is empty, since
 * a process may fork between the reading and the kill.
 *
 * @returns how many rounds of version 1 were needed; 0 where nothing lived
 */
export function killCgroup(layout: CgroupLayout, path: string): number {
  for (const { version, mountPoint } of layout.hierarchies) {
    const file = `${mountPoint}${path}/cgroup.kill`;
    if (version === 2) ignoring(['ENOENT', 'ENODEV'], () => writeFileSync(file, '1', { flag: 'r+' }));
  }
  let rounds = 0;
  while (rounds < 100 && killOnce(layout, path)) rounds += 1;
  return rounds;
}

function killOnce(layout: CgroupLayout, path: string): boolean {
  const lists = cgroupDirectories(layout, path).map((directory) => readFile(`${directory}/cgroup.procs`) ?? '');
  const pids = new Set(lists.flatMap((text) => text.split('\n')).filter((pid) => pid !== '' && pid !== '0'));
  for (const pid of pids) ignoring('ESRCH', () => process.kill(Number(pid), 'SIGKILL'));
  return pids.size > 0;
}

/**
 * Removes a group's directory in every tree, its own subgroups first, and then each parent up to the root of the tree as
 * long as it is empty. What isn't there is success; what still has processes is an error.
 *
 * @throws Error EBUSY from rmdir(2) while a process lives or is not reaped yet
 */
export function removeCgroup(layout: CgroupLayout, path: string): void {
  for (const directory of cgroupDirectories(layout, path)) {
    removeTree(directory);
    for (let parent = dirname(path); parent !== '/'; parent = dirname(parent)) {
      const gone = ignoring(['EBUSY', 'ENOTEMPTY'], () => {
        remove(`${directory.slice(0, -path.length)}${parent}`);
        return true;
      });
      if (gone === undefined) break;
    }
  }
}

function removeTree(directory: string): void {
  const children = ignoring('ENOENT', () => readdirSync(directory, { withFileTypes: true })) ?? [];
  for (const child of children) if (child.isDirectory()) removeTree(`${directory}/${child.name}`);
  remove(directory);
}

function remove(directory: string): void {
  ignoring('ENOENT', () => rmdirSync(directory));
}
