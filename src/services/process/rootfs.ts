/**
 * The container's `/`, mounted where nobody else can see it.
 *
 *     unshare --mount --propagation slave          a copy of the host's mounts; it dies with the container
 *       mount -t tmpfs  tree                       memory for what the container writes
 *       mount -t overlay lowerdir=/ … root         the host's tree below, the memory above
 *       exec crun create …                         crun pivots into `root`
 *
 * An overlay reads through to its lower layer and writes to its upper one, so that `rm /etc/passwd` inside leaves the host's
 * file alone and two containers can share one root file system. It covers one file system: the further ones of the host
 * (/home on a partition, /vagrant) get an overlay each, and where a file system can't be a lower layer, a read-only bind.
 * Where a shared folder mounts another one by itself (virtiofs, NFS), no overlay lets anybody pass (EREMOTE): it stays out.
 * Sockets seen through an overlay can't be connected to: the kernel knows a socket by its inode, and the overlay's is
 * another.
 *
 * Further ones are found by name, by root's shell. Whoever may rename a directory on the way, or put another one there, leads
 * it wherever he likes. So one that lies below a directory which is not root's alone (/home/ann/disk) stays out, too.
 *
 * Why in a mount namespace of its own and not in the host's: the kernel takes everything away with the last process, also
 * after a kill -9 of everybody. Why `slave`: a network namespace's file that is unmounted on the host must be released here
 * too. Why relative paths and descriptors: a directory may be called `a,b:c`, and in `-o` these would be separators.
 *
 * With a user namespace a given root file system is mounted through an id map, so that its root is the container's root;
 * the host's own tree is not, so that the container's root stays nobody there and /etc/shadow stays closed.
 */
import { lstatSync } from 'node:fs';
import type { Launch } from '../../values/launch.ts';

/**
 * Parameters: the container's directory, the kind of root, its path, an id map in util-linux' notation or nothing,
 * `ro` or `rw` for further mount points, their number, these, and then the command that runs on the finished tree.
 *
 * Every program that the shell starts takes a millisecond: nothing is mounted that is not needed, and one mkdir makes all
 * directories.
 *
 * crun refuses control groups of version 1 beside a version 2 tree that has controllers; here it doesn't see that tree.
 * It makes its directories there all the same, so an empty tree of our own covers the place.
 *
 * @see mount(8) on X-mount.idmap
 */
export const rootfsScript = `set -eu
umask 022
cd "$1"
kind=$2 source=$3 map=$4 access=$5 count=$6
shift 6
unified=/sys/fs/cgroup/unified controllers=
[ ! -e $unified/cgroup.controllers ] || read -r controllers <$unified/cgroup.controllers || :
[ -z "$controllers" ] || mount -t tmpfs gangway $unified

# Mounts what the container writes over directory $1, at root$2, as layer $3, with options $4.
overlay() {
  mount -t overlay -o "lowerdir=/proc/self/fd/8,upperdir=tree/upper$3,workdir=tree/work$3$4" gangway "root$2" 8<"$1"
}

# The top of an overlay is the upper layer's: what closes a file system of the machine's is handed on, and how it is mounted.
# Of what can't be seen, or has gone meanwhile, the worst is thought.
further() {
  options=
  mounted=$(findmnt --noheadings --output VFS-OPTIONS --mountpoint "$1") || mounted='nosuid nodev noexec'
  for option in nosuid nodev noexec; do
    case $mounted in *$option*) options=$options,$option ;; esac
  done
  chown --reference="$1" "tree/upper$2" && chmod --reference="$1" "tree/upper$2" &&
    overlay "$1" "$1" "$2" ",$access$options" 2>/dev/null || mount --bind -o "ro$options" "$1" "root$1"
}

if [ "$kind" = unpacked ]; then
  mount --bind \${map:+-o "X-mount.idmap=$map"} "$source" root
else
  mount -t tmpfs -o mode=0755 gangway tree
  layer=$count directories=
  while [ "$layer" -gt 0 ]; do
    directories="$directories tree/upper$layer tree/work$layer"
    layer=$((layer - 1))
  done
  mkdir tree/lower tree/upper tree/work $directories
  if [ -n "$map" ]; then
    mount --bind -o "X-mount.idmap=$map" "$source" tree/lower
    source=tree/lower
    first=\${map#b:0:}
    chown "\${first%%:*}:\${first%%:*}" tree/upper
  fi
  overlay "$source" '' '' ''
fi
while [ "$count" -gt 0 ]; do
  [ ! -e "root$1" ] || further "$1" "$count"
  count=$((count - 1))
  shift
done
exec "$@"
`;

/** The words that stand before a command to run it on the container's tree. */
export function onRootfs(launch: Launch): string[] {
  const { root, userNamespace } = launch;
  const range = userNamespace?.range;
  const map = range === undefined || root.kind === 'host' ? '' : `b:0:${range.first}:${range.length}`;
  const further = root.kind === 'host' ? root.mounts : [];
  const path = root.kind === 'host' ? '/' : root.path;
  const words = ['unshare', '--mount', '--propagation', 'slave', 'sh', '-c', rootfsScript, 'gangway'];
  return [
    ...words,
    launch.directory,
    root.kind,
    path,
    map,
    launch.readOnly ? 'ro' : 'rw',
    String(further.length),
    ...further,
  ];
}

/** File systems that are made of the kernel's memory, or that a container gets afresh. */
const transient = new Set(
  (
    'autofs binfmt_misc bpf cgroup cgroup2 configfs debugfs devpts devtmpfs efivarfs fusectl hugetlbfs mqueue nsfs overlay ' +
    'proc pstore ramfs rpc_pipefs securityfs selinuxfs sysfs tmpfs tracefs'
  ).split(' '),
);

/**
 * The mount points of the host that a container on the host's tree should see as well: file systems with data, parents
 * before children, without what lies below the directories that are fresh or hidden.
 *
 * @param mountinfo `/proc/self/mountinfo`
 * @see proc_pid_mountinfo(5)
 */
export function additionalMounts(mountinfo: string, hidden: readonly string[]): string[] {
  const outOfSight = ['/proc', '/sys', '/dev', '/run', '/tmp', '/boot', ...hidden];
  const found = new Set<string>();
  for (const line of mountinfo.split('\n')) {
    const [fields = '', source = ''] = line.split(' - ');
    const point = unescapeMount(fields.split(' ')[4] ?? '/');
    if (point === '/' || transient.has(source.split(' ')[0] ?? '')) continue;
    if (!outOfSight.some((path) => point === path || point.startsWith(`${path}/`))) found.add(point);
  }
  return [...found].sort();
}

/**
 * Can nobody but root put something else in the place of this mount point? So it is if every directory above it is root's, and
 * its group and others don't write there. From the top down: what is others' is not even asked.
 */
export function isRootControlled(point: string): boolean {
  const above = point.split('/').slice(0, -1);
  return above.every((_, index) => isRootsAlone(above.slice(0, index + 1).join('/') || '/'));
}

/** One that can't be seen, for whatever reason, is not. */
function isRootsAlone(path: string): boolean {
  try {
    const found = lstatSync(path);
    return found.isDirectory() && found.uid === 0 && (found.mode & 0o022) === 0;
  } catch {
    return false;
  }
}

/** The kernel writes space, tab, line feed and backslash as octal numbers. */
function unescapeMount(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
