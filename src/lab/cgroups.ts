/**
 * The lab's part of the machine's cgroup trees.
 *
 * Each hierarchy gets one directory, `gangway-lab-NAME-INSTANCE`, which no other lab ever has, of the same name or not: what
 * is swept in haste or left behind is never somebody else's. A cgroup namespace that is made by a process in it takes it for
 * its root, and so do the cgroup file systems that are mounted in that namespace: what runs in the lab finds nothing but
 * its own subtree below /sys/fs/cgroup, limits what it likes there, and attaches its BPF programs to that root.
 *
 * In a v1 hierarchy the directory lies below our own cgroup, so that an outer limit keeps its grip. The unified tree
 * forbids that: a cgroup with processes of its own cannot hand controllers to its children. There it lies below the
 * visible root, and for the same reason the lab's processes sit one level deeper, in `init`.
 *
 * @see cgroups(7), cgroup_namespaces(7), "No Internal Process Constraint" in Documentation/admin-guide/cgroup-v2.rst
 */
import { type Dirent, existsSync, readdirSync, readFileSync, readlinkSync, rmdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type CgroupLayout, readLayout } from '../kernel/cgroup.ts';
import { ignoring } from '../values/errors.ts';

/** One mounted cgroup tree. */
export interface Hierarchy {
  /** Where it is mounted, here and inside the lab: `/sys/fs/cgroup/memory`. */
  readonly mountPoint: string;
  readonly unified: boolean;
  /** What mounts the same tree again: `memory`, `none,name=systemd`; empty for the unified tree. */
  readonly mountOptions: string;
  /** The directory in which labs get theirs. */
  readonly parent: string;
}

const prefix = 'gangway-lab-';
/** Where the lab's processes sit in the unified tree, below the lab's root. */
export const unifiedLeaf = 'init';

/** The cgroup trees in which labs can be made here. */
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

/** Who entered a cgroup namespace without joining its cgroups is outside of what it sees: `/..`. Its labs begin at the root. */
function below(mountPoint: string, path: string): string {
  return path.startsWith('/..') ? mountPoint : resolve(mountPoint, `.${path}`);
}

/** Other names of mounted trees: on a systemd machine with v1, `cpu` is a link to `cpu,cpuacct`. */
export function aliases(): readonly { readonly name: string; readonly target: string }[] {
  const directory = '/sys/fs/cgroup';
  const entries: Dirent[] = ignoring('ENOENT', () => readdirSync(directory, { withFileTypes: true })) ?? [];
  return entries
    .filter((entry) => entry.isSymbolicLink())
    .map(({ name }) => ({ name, target: readlinkSync(join(directory, name)) }));
}

/** The directories of a lab, one per hierarchy. */
export function labDirectories(trees: readonly Hierarchy[], name: string, instance: string): readonly string[] {
  return trees.map(({ parent }) => join(parent, `${prefix}${name}-${instance}`));
}

/**
 * Removes what crashed labs left: directories of labs in which no process lives. The kernel refuses to remove an
 * inhabited one, so the worst that a race could do is an error in the newborn lab, which then tries again.
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

/** Removes a cgroup and all below it. One that is gone is fine, and so is one that came to life meanwhile. */
export function removeTree(directory: string): void {
  for (const child of subdirectories(directory)) removeTree(child);
  ignoring(['ENOENT', 'EBUSY', 'ENOTEMPTY'], () => rmdirSync(directory));
}

/** All cgroups below a directory, itself included. */
export function listTree(directory: string): readonly string[] {
  if (ignoring('ENOENT', () => statSync(directory)) === undefined) return [];
  return [directory, ...subdirectories(directory).flatMap(listTree)];
}

function subdirectories(directory: string): readonly string[] {
  const entries: Dirent[] = ignoring(['ENOENT', 'ENODEV'], () => readdirSync(directory, { withFileTypes: true })) ?? [];
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(directory, entry.name));
}

/** `populated` counts processes that our own PID namespace can't see; `cgroup.procs` of a v1 tree does not. */
function inhabited(directory: string): boolean {
  const read = (file: string) =>
    ignoring(['ENOENT', 'ENODEV', 'EOPNOTSUPP'], () => readFileSync(join(directory, file), 'utf8')) ?? '';
  return read('cgroup.procs') !== '' || read('cgroup.events').includes('populated 1');
}
