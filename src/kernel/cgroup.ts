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
 * crun makes the directories and writes the limits. This file finds, ends and removes.
 *
 * @see cgroups(7), Documentation/admin-guide/cgroup-v2.rst, Documentation/admin-guide/cgroup-v1/
 */
import { existsSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { ignoring } from '../values/errors.ts';
import { killUntilNone } from './process.ts';

/** One mounted tree. */
export interface CgroupHierarchy {
  readonly version: 1 | 2;
  /** What version 1 mounts it by: `cpu`, `cpuacct`, or `name=systemd`. Version 2 has all that others have not. */
  readonly controllers: readonly string[];
  readonly mountPoint: string;
  /** Our own group in it: `/user.slice`. It begins with `/..` where our cgroup namespace shows only others. */
  readonly own: string;
}

/** The machine's layout. */
export interface CgroupLayout {
  readonly kind: 'v1' | 'v2' | 'hybrid' | 'none';
  readonly hierarchies: readonly CgroupHierarchy[];
}

/**
 * Finds the trees.
 *
 * @param mountinfo `/proc/self/mountinfo`, which lists also what other mounts cover
 * @param cgroup `/proc/self/cgroup`
 * @param reachable whether it is not covered
 */
export function parseLayout(
  mountinfo: string,
  cgroup: string,
  reachable: (mountPoint: string) => boolean = () => true,
): CgroupLayout {
  const groups = [...cgroup.matchAll(/^\d+:([^:]*):(.*)$/gm)].map(([, controllers = '', own = '']) => ({
    controllers: controllers === '' ? [] : controllers.split(','),
    own,
  }));
  const found = new Map<string, CgroupHierarchy>();
  for (const line of mountinfo.split('\n')) {
    const [fields = '', rest = ''] = line.split(' - ');
    const mountPoint = fields.split(' ')[4] ?? '';
    const [type, , options = ''] = rest.split(' ');
    if (!mountPoint.startsWith('/sys/fs/cgroup') || (type !== 'cgroup' && type !== 'cgroup2')) continue;
    const version = type === 'cgroup2' ? 2 : 1;
    const group = groups.find(({ controllers }) =>
      version === 2 ? controllers.length === 0 : isSubset(controllers, options.split(',')),
    );
    if (group !== undefined) found.set(mountPoint, { version, mountPoint, ...group });
  }
  const hierarchies = [...found.values()].filter(({ mountPoint }) => reachable(mountPoint));
  const versions = new Set(hierarchies.map(({ version }) => version));
  const kind = versions.size === 2 ? 'hybrid' : versions.has(2) ? 'v2' : versions.has(1) ? 'v1' : 'none';
  return { kind, hierarchies };
}

/** Not empty, and all of it in the other. */
function isSubset(some: readonly string[], all: readonly string[]): boolean {
  return some.length > 0 && some.every((word) => all.includes(word));
}

export function readLayout(): CgroupLayout {
  const [mountinfo, cgroup] = [readFileSync('/proc/self/mountinfo', 'utf8'), readFileSync('/proc/self/cgroup', 'utf8')];
  return parseLayout(mountinfo, cgroup, (mountPoint) => existsSync(`${mountPoint}/cgroup.procs`));
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

export function readCgroupFile(path: string): string | undefined {
  // ENODEV: the group was removed while the file was open.
  return ignoring(['ENOENT', 'ENODEV', 'EOPNOTSUPP'], () => readFileSync(path, 'utf8'));
}

/** What version 2 calls a controller. */
export type Controller = 'cpu' | 'memory' | 'pids' | 'io';

/** Can groups be limited by it? Not where the kernel has it switched off, or an outer group keeps it to itself. */
export function hasController(
  { kind, hierarchies }: CgroupLayout,
  controller: Controller,
  read: ReadCgroupFile = readCgroupFile,
): boolean {
  const name = controller === 'io' && kind !== 'v2' ? 'blkio' : controller;
  return hierarchies.some(({ version, controllers, mountPoint }) => {
    if (version === 1) return controllers.includes(name);
    // Beside version 1 the tree of version 2 is not crun's (see `rootfsScript`).
    return kind === 'v2' && (read(`${mountPoint}/cgroup.controllers`) ?? '').trim().split(' ').includes(name);
  });
}

/** Can memory and swap be limited together? Not where the kernel doesn't account for swap. */
export function hasSwapAccounting(layout: CgroupLayout, read: ReadCgroupFile = readCgroupFile): boolean {
  const directory = controllerDirectory(layout, 'memory', '');
  if (directory === undefined) return false;
  // The root of version 2 has no limits at all; whether swap is counted shows in its statistics.
  if (layout.kind === 'v2') return (read(`${directory}/memory.stat`) ?? '').includes('\nswapcached ');
  return read(`${directory}/memory.memsw.limit_in_bytes`) !== undefined;
}

/**
 * Kills every process of a group, and returns when none is left or the patience with them is. Version 2 does it in one
 * stroke; of version 1 the list is read until it is empty, since a process may fork between the reading and the kill.
 *
 * @returns who does not end
 */
export async function killCgroup(layout: CgroupLayout, path: string): Promise<readonly number[]> {
  for (const { version, mountPoint } of layout.hierarchies) {
    const file = `${mountPoint}${path}/cgroup.kill`;
    if (version === 2) ignoring(['ENOENT', 'ENODEV'], () => writeFileSync(file, '1', { flag: 'r+' }));
  }
  return await killUntilNone(() => processesIn(layout, path));
}

/** Its processes in any tree; but for those that our own PID namespace can't see. */
export function processesIn(layout: CgroupLayout, path: string): readonly number[] {
  const lists = cgroupDirectories(layout, path).map((directory) => readCgroupFile(`${directory}/cgroup.procs`) ?? '');
  const pids = lists.flatMap((text) => text.split('\n')).map(Number);
  return [...new Set(pids)].filter((pid) => pid !== 0);
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
