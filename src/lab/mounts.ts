/**
 * What a lab has of its own in the file system: kernel file systems of its namespaces, and empty ones where the real
 * machine keeps state. Everything else is shared with the real machine, programs and working directories above all.
 *
 * @see fstab(5), mount(8)
 */
import { existsSync } from 'node:fs';
import type { Hierarchy } from './cgroups.ts';

export interface MountOptions {
  /** Give the lab a /tmp of its own, too. Default false. */
  readonly privateTmp?: boolean;
}

const ownDirectories = ['/var/lib/gangway', '/etc/gangway'] as const;

/** Directories that are not the real machine's: what lies below them there does not exist in the lab. */
export function privateDirectories(options: MountOptions): readonly string[] {
  return ['/run', '/dev/shm', ...ownDirectories, ...(options.privateTmp ? ['/tmp'] : [])];
}

/** A private copy of a directory in which a mount point is missing. */
export interface Overlay {
  readonly parent: string;
  /** Relative to `parent`. */
  readonly mountPoint: string;
  readonly scratch: string;
}

/** The overlays that are needed where gangway's own directories do not exist on the real machine. */
export function missingMountPoints(): readonly Overlay[] {
  return ownDirectories
    .filter((directory) => !existsSync(directory))
    .map((directory) => {
      const parent = directory.slice(0, directory.lastIndexOf('/'));
      return { parent, mountPoint: directory.slice(parent.length), scratch: `/run/gangway-lab${parent}` };
    });
}

/** Everything that the lab has of its own, as fstab(5), so that one mount(8) mounts all. */
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
