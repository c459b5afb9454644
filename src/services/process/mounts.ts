/**
 * What is mounted inside a container, and what of it is hidden.
 *
 * A container sees a kernel of its own through /proc, /sys and /dev. Each is mounted afresh, so that it shows the
 * container's namespaces; what in them belongs to the whole machine is covered (`hiddenPaths`) or made read-only
 * (`readOnlyPaths`). The lists are docker's.
 *
 * The host's own tree gets an empty /run and /tmp as well: there lie the sockets of other programs, and a socket is a door.
 * A root file system that was given keeps its own.
 *
 * @see runc's config.json specification, "mounts" and "maskedPaths"
 */
import type { Launch } from '../../values/launch.ts';

export interface Mount {
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

const still = ['nosuid', 'noexec', 'nodev'];

const kernelMounts: readonly Mount[] = [
  { destination: '/proc', type: 'proc', source: 'proc', options: still },
  {
    destination: '/dev',
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
  },
  {
    destination: '/dev/pts',
    type: 'devpts',
    source: 'devpts',
    options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
  },
  { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: [...still, 'mode=1777', 'size=65536k'] },
  { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: still },
  { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...still, 'ro'] },
  { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [...still, 'relatime', 'ro'] },
];

const freshDirectories: readonly Mount[] = [
  { destination: '/run', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', 'mode=755'] },
  { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', 'mode=1777'] },
];

/** Covered by something empty. */
const hiddenPaths: readonly string[] = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
];

export const readOnlyPaths: readonly string[] = [
  '/proc/bus',
  '/proc/fs',
  '/proc/irq',
  '/proc/sys',
  '/proc/sysrq-trigger',
];

/** Where an init program stands inside: in our own /dev, since a root file system may be read-only. */
export const initPath = '/dev/init';

/** The files that make a name and addresses known inside, by the name that they have in the container's directory. */
const identityFiles = ['hosts', 'hostname', 'resolv.conf'];

/** All mounts in the order in which they are made. Later ones may lie inside earlier ones. */
export function ociMounts(launch: Launch): readonly Mount[] {
  const access = launch.readOnly ? 'ro' : 'rw';
  return [
    ...kernelMounts,
    ...(launch.root.kind === 'host' ? freshDirectories : []),
    ...identityFiles.map((name) => bind(`${launch.identityDirectory}/${name}`, `/etc/${name}`, access)),
    ...(launch.init === undefined ? [] : [bind(launch.init, initPath, 'ro')]),
    ...launch.volumes.map(({ source, target, readOnly }) => bind(source, target, readOnly ? 'rro' : 'rw')),
  ];
}

/** Everything that must look empty: the machine's secrets, and our own state where the host's tree shows it. */
export function maskedPaths(launch: Launch): readonly string[] {
  return launch.root.kind === 'host' ? [...hiddenPaths, ...launch.hidden] : hiddenPaths;
}

/** `rro` is read-only to the last mount below the directory; `ro` is the topmost one alone. */
function bind(source: string, destination: string, access: 'ro' | 'rro' | 'rw'): Mount {
  return { destination, type: 'bind', source, options: ['rbind', 'rprivate', access] };
}
