/**
 * The lab's cgroups.
 *
 * Each hierarchy gets a directory `gangway-lab-NAME-INSTANCE`, unique among all labs. It is the root of the lab's
 * cgroup namespace: processes in the lab see only their own subtree below /sys/fs/cgroup, set limits there, and attach
 * BPF programs to that root.
 *
 * In a v1 hierarchy the directory is below the caller's own cgroup, so that outer limits apply. In the unified tree a
 * cgroup with processes can't delegate controllers. So the directory is below the visible root, and the lab's processes
 * are one level deeper, in `init`.
 *
 * @see cgroups(7), cgroup_namespaces(7), "No Internal Process Constraint" in Documentation/admin-guide/cgroup-v2.rst
 */
import { type Dirent, existsSync, readdirSync, readFileSync, readlinkSync, rmdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type CgroupLayout, readLayout } from '../kernel/cgroup.ts';
import { ignoring } from '../values/errors.ts';

/** A mounted cgroup tree. */
export interface Hierarchy {
  /** Its mount point, outside and inside of the lab: `/sys/fs/cgroup/memory`. */
  readonly mountPoint: string;
  readonly unified: boolean;
  /** The options to mount the same tree again: `memory`, `none,name=systemd`; empty for the unified tree. */
  readonly mountOptions: string;
  /** The parent of the labs' directories. */
  readonly parent: string;
}

const prefix = 'gangway-lab-';
/** The cgroup of the lab's processes in the unified tree, below the lab's root. */
export const unifiedLeaf = 'init';

/** The cgroup trees that can have labs. */
export function hierarchies(): readonly Hierarchy[] {
  return labHierarchies(readLayout()).filter(({ parent }) => existsSync(join(parent, 'cgroup.procs')));
}

export function labHierarchies(layout: CgroupLayout): readonly Hierarchy[] {
  return layout.hierarchies.map(({ version, controllers, mountPoint, own }) => {
    if (version === 2) return { mountPoint, unified: true, mountOptions: '', parent: mountPoint };
    const names = controllers.join(',');
    const mountOptions = names.startsWith('name=') ? `none,${names}` : names;
    return { mountPoint, unified: false, mountOptions, parent: below(mountPoint, own) };
  });
}

/** A path `/..` means that the process is outside of its cgroup namespace; then labs are below the root. */
function below(mountPoint: string, path: string): string {
  return path.startsWith('/..') ? mountPoint : resolve(mountPoint, `.${path}`);
}

/** Symbolic links to mounted trees: with systemd on v1, `cpu` links to `cpu,cpuacct`. */
export function aliases(): readonly { readonly name: string; readonly target: string }[] {
  const directory = '/sys/fs/cgroup';
  const entries: Dirent[] = ignoring('ENOENT', () => readdirSync(directory, { withFileTypes: true })) ?? [];
  return entries
    .filter((entry) => entry.isSymbolicLink())
    .map(({ name }) => ({ name, target: readlinkSync(join(directory, name)) }));
}

export function labDirectories(trees: readonly Hierarchy[], name: string, instance: string): readonly string[] {
  return trees.map(({ parent }) => join(parent, `${prefix}${name}-${instance}`));
}

/**
 * Removes the cgroups of crashed labs: those without processes. The kernel refuses to remove one with processes. In a
 * race, a starting lab gets an error and retries.
 *
 * @returns the removed directories
 */
export function sweep(trees: readonly Hierarchy[] = hierarchies()): readonly string[] {
  const byName = new Map<string, string[]>();
  for (const { parent } of trees) {
    for (const entry of readdirSync(parent)) {
      if (entry.startsWith(prefix)) byName.set(entry, [...(byName.get(entry) ?? []), join(parent, entry)]);
    }
  }
  const dead = [...byName.values()].filter((directories) => !directories.some(inhabited)).flat();
  for (const directory of dead) removeTree(directory);
  return dead;
}

/** Removes a cgroup tree. A missing one, or one with new processes, is skipped. */
export function removeTree(directory: string): void {
  for (const child of subdirectories(directory)) removeTree(child);
  ignoring(['ENOENT', 'EBUSY', 'ENOTEMPTY'], () => rmdirSync(directory));
}

/** A cgroup and all its descendants. */
export function listTree(directory: string): readonly string[] {
  if (ignoring('ENOENT', () => statSync(directory)) === undefined) return [];
  return [directory, ...subdirectories(directory).flatMap(listTree)];
}

function subdirectories(directory: string): readonly string[] {
  const entries: Dirent[] = ignoring(['ENOENT', 'ENODEV'], () => readdirSync(directory, { withFileTypes: true })) ?? [];
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(directory, entry.name));
}

/** `populated` includes processes outside of our PID namespace; `cgroup.procs` of a v1 tree does not. */
function inhabited(directory: string): boolean {
  const read = (file: string) =>
    ignoring(['ENOENT', 'ENODEV', 'EOPNOTSUPP'], () => readFileSync(join(directory, file), 'utf8')) ?? '';
  return read('cgroup.procs') !== '' || read('cgroup.events').includes('populated 1');
}
