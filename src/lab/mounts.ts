/**
 * The mounts of a lab: kernel file systems of its namespaces, and empty directories for state. Everything else, such as
 * programs and working directories, is shared with the real host.
 *
 * @see fstab(5), mount(8)
 */
import { existsSync } from 'node:fs';
import type { Hierarchy } from './cgroups.ts';

export interface MountOptions {
  /** A private /tmp. Default false. */
  readonly privateTmp?: boolean;
}

const ownDirectories = ['/var/lib/gangway', '/etc/gangway'] as const;

/** Directories that the lab does not share with the real host. */
export function privateDirectories(options: MountOptions): readonly string[] {
  return ['/run', '/dev/shm', ...ownDirectories, ...(options.privateTmp ? ['/tmp'] : [])];
}

/** A private copy of a directory that lacks a mount point. */
export interface Overlay {
  readonly parent: string;
  /** Relative to `parent`. */
  readonly mountPoint: string;
  readonly scratch: string;
}

/** The overlays for directories of gangway that do not exist on the real host. */
export function missingMountPoints(): readonly Overlay[] {
  return ownDirectories
    .filter((directory) => !existsSync(directory))
    .map((directory) => {
      const parent = directory.slice(0, directory.lastIndexOf('/'));
      return { parent, mountPoint: directory.slice(parent.length), scratch: `/run/gangway-lab${parent}` };
    });
}

/** All mounts of the lab as fstab(5), for a single mount(8). */
export function fstab(
  source: string,
  options: MountOptions,
  trees: readonly Hierarchy[],
  overlays: readonly Overlay[],
): string {
  const rows: [directory: string, type: string, options: string][] = [
    ['/proc', 'proc', 'nosuid,nodev,noexec'],
    ['/sys', 'sysfs', 'nosuid,nodev,noexec'],
    ['/dev/shm', 'tmpfs', 'nosuid,nodev'],
    ['/run/netns', 'tmpfs', 'nosuid,nodev,mode=755,shared'],
    ...overlays.map(({ parent, scratch }): [string, string, string] => [
      parent,
      'overlay',
      `lowerdir=${parent},upperdir=${scratch}/upper,workdir=${scratch}/work`,
    ]),
    ...ownDirectories.map((directory): [string, string, string] => [directory, 'tmpfs', 'nosuid,nodev,mode=755']),
  ];
  if (trees.some(({ mountPoint }) => mountPoint !== '/sys/fs/cgroup'))
    rows.push(['/sys/fs/cgroup', 'tmpfs', 'mode=755']);
  for (const { mountPoint, unified, mountOptions } of trees) {
    const more = unified ? 'X-mount.mkdir' : `X-mount.mkdir,${mountOptions}`;
    rows.push([mountPoint, unified ? 'cgroup2' : 'cgroup', more]);
  }
  if (existsSync('/sys/fs/bpf')) rows.push(['/sys/fs/bpf', 'bpf', 'mode=700']);
  if (options.privateTmp) rows.push(['/tmp', 'tmpfs', 'nosuid,nodev,mode=1777']);
  return rows.map(([directory, type, flags]) => `${source} ${directory} ${type} ${flags} 0 0\n`).join('');
}
