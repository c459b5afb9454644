/**
 * /dev/null for a program that is not trusted with it.
 *
 * Who has a descriptor of the machine's /dev/null can give it to another owner and close it for everybody: fchown(2) and
 * fchmod(2) ask for no path. Opened by way of a mount that is read-only, its inode is out of reach (EROFS), and reading and
 * writing are what they were, for that of a device is no matter of its file system.
 *
 * @see open_tree(2), mount_setattr(2)
 */
import { closeSync, constants, openSync } from 'node:fs';
import { call } from './libc.ts';

const SYS_OPEN_TREE = 428;
const SYS_MOUNT_SETATTR = 442;
const AT_FDCWD = -100;
const AT_EMPTY_PATH = 0x1000;
const OPEN_TREE_CLONE = 1;
const O_CLOEXEC = 0o2000000;
const MOUNT_ATTR_RDONLY = 1n;

const openTree = 'long syscall(long number, long directory, const char *path, long flags)';
const setAttributes =
  'long syscall(long number, long fd, const char *path, long flags, const void *attributes, size_t size)';

/**
 * `mount --bind -o ro /dev/null PLACE; exec 3<>PLACE; umount --lazy PLACE`, without a place: nobody else ever sees the mount.
 *
 * @returns a descriptor; the mount goes with the last of them
 * @throws KernelError EPERM without CAP_SYS_ADMIN
 */
export function openSealedNull(): number {
  const path = '/dev/null';
  const tree = call(`clone the mount of ${path}`, openTree, SYS_OPEN_TREE, AT_FDCWD, path, OPEN_TREE_CLONE | O_CLOEXEC);
  try {
    // struct mount_attr { u64 attr_set; u64 attr_clr; u64 propagation; u64 userns_fd; }
    const attributes = new BigUint64Array([MOUNT_ATTR_RDONLY, 0n, 0n, 0n]);
    const size = attributes.byteLength;
    call(`seal ${path}`, setAttributes, SYS_MOUNT_SETATTR, tree, '', AT_EMPTY_PATH, attributes, size);
    return openSync(`/proc/self/fd/${tree}`, constants.O_RDWR);
  } finally {
    closeSync(tree);
  }
}
