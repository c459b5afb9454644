/**
 * Looking at a file inside another process's tree, without ever being led out of it.
 *
 * `/proc/PID/root/etc/passwd` looks right, and is a trap: a symbolic link in there that begins with a slash leads into
 * our own tree. openat2(2) takes the given directory for the root of everything that it meets on the way.
 *
 * @see openat2(2), RESOLVE_IN_ROOT in linux/openat2.h
 */
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { ignoring, KernelError } from '../values/errors.ts';
import { call } from './libc.ts';
import { openAtOnce } from './open-leased.ts';

const SYS_OPENAT2 = 437;
const RESOLVE_IN_ROOT = 0x10;
const O_CLOEXEC = 0o2000000;
const O_PATH = 0o10000000;
const prototype = 'long syscall(long number, long directory, const char *path, const void *how, size_t size)';

/** As often as runc asks. */
const mostAttempts = 128;

/** No file of users or groups is larger; one that a container writes might be. */
const largestAccounts = 16 << 20;

/**
 * The text of a regular file below `root`. Whose tree it is may have put there something else: a FIFO would keep us for as long
 * as he likes, and a device would hear of it.
 *
 * @param root a directory, `/proc/PID/root` included
 * @param access of open(2): O_RDWR refuses what could not be written to now
 * @throws KernelError ENOENT and the other errors of open(2); EINVAL for what is no regular file, EFBIG above the largest size,
 *   EAGAIN where somebody has a lease
 */
export function readInside(
  root: string,
  path: string,
  largestBytes = largestAccounts,
  access: number = constants.O_RDONLY,
): string {
  return opened(root, path, O_PATH, (found) => {
    const stat = fstatSync(found);
    if (!stat.isFile()) throw new KernelError(`read ${path} below ${root}, which is no regular file`, 'EINVAL');
    if (stat.size > largestBytes) throw new KernelError(`read ${path} below ${root}, of ${stat.size} bytes`, 'EFBIG');
    const fd = openAtOnce(`read ${path} below ${root}`, `/proc/self/fd/${found}`, access);
    try {
      // It may be growing.
      const text = Buffer.alloc(stat.size);
      return text.toString('utf8', 0, readSync(fd, text));
    } finally {
      closeSync(fd);
    }
  });
}

/**
 * What a path below `root` leads to, links followed. Nothing is opened: a device or a FIFO hears nothing of it.
 *
 * @throws KernelError ENOENT and the other errors of open(2)
 */
export function statInside(root: string, path: string): Stats {
  return opened(root, path, O_PATH, (fd) => fstatSync(fd));
}

function opened<T>(root: string, path: string, flags: number, body: (fd: number) => T): T {
  const directory = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    // struct open_how { u64 flags; u64 mode; u64 resolve; }
    const how = new BigUint64Array([BigInt(flags | O_CLOEXEC), 0n, BigInt(RESOLVE_IN_ROOT)]);
    const fd = undisturbed(() =>
      call(`open ${path} below ${root}`, prototype, SYS_OPENAT2, directory, path, how, how.byteLength),
    );
    try {
      return body(fd);
    } finally {
      closeSync(fd);
    }
  } finally {
    closeSync(directory);
  }
}

/**
 * While something is renamed or mounted, anywhere on the machine, the kernel can't say whether ".." has led out of the tree, and
 * wants to be asked again. Whose tree it is may rename without end.
 *
 * @throws KernelError EAGAIN after the last attempt
 */
function undisturbed(open: () => number): number {
  for (let attempt = 1; attempt < mostAttempts; attempt++) {
    const fd = ignoring('EAGAIN', open);
    if (fd !== undefined) return fd;
  }
  return open();
}
