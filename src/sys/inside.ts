/**
 * Looking at a file inside another process's tree, without ever being led out of it.
 *
 * `/proc/PID/root/etc/passwd` looks right, and is a trap: a symbolic link in there that begins with a slash leads into
 * our own tree. openat2(2) takes the given directory for the root of everything that it meets on the way.
 *
 * @see openat2(2), RESOLVE_IN_ROOT in linux/openat2.h
 */
import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { call } from './libc.ts';

const SYS_OPENAT2 = 437;
const RESOLVE_IN_ROOT = 0x10;
const O_CLOEXEC = 0o2000000;
const O_PATH = 0o10000000;
const prototype = 'long syscall(long number, long directory, const char *path, const void *how, size_t size)';

/**
 * The text of a file below `root`.
 *
 * @param root a directory, `/proc/PID/root` included
 * @throws KernelError ENOENT and the other errors of open(2)
 */
export function readInside(root: string, path: string): string {
  return opened(root, path, constants.O_RDONLY, (fd) => readFileSync(fd, 'utf8'));
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
    const fd = call(`open ${path} below ${root}`, prototype, SYS_OPENAT2, directory, path, how, how.byteLength);
    try {
      return body(fd);
    } finally {
      closeSync(fd);
    }
  } finally {
    closeSync(directory);
  }
}
