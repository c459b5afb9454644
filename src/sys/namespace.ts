/**
 * Network namespaces as the kernel gives them: a file descriptor, and the main thread's membership.
 *
 * A thread is in one network namespace at a time, and a socket belongs for ever to the one in which it was made. So a
 * namespace is entered for the moment that it takes to open a socket or to write a file below /proc/sys/net, and left
 * in the same synchronous breath. Nothing asynchronous may start inside: libuv would hand it to a thread of its pool,
 * and a thread born in there never comes back.
 *
 * @see setns(2), unshare(2), network_namespaces(7)
 */
import { closeSync, constants, openSync } from 'node:fs';
import { ignoring } from '../values/errors.ts';
import { call } from './libc.ts';
import { bindMount } from './mount.ts';

const CLONE_NEWNET = 0x40000000;
const AF_INET = 2;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_NETNS_COOKIE = 71;

/** Where the running thread is, always. Not /proc/self: that is the process's first thread. */
const HERE = '/proc/thread-self/ns/net';

/** Opens a namespace by its file: `/run/netns/c1`, `/proc/PID/ns/net`. The caller closes it. */
export function openNamespace(path: string): number {
  return openSync(path, constants.O_RDONLY);
}

/**
 * Runs `body` with the main thread inside the network namespace `fd`, then comes back.
 *
 *     nsenter --net=/run/netns/c1 …
 *
 * `body` must be synchronous. Should the way back be closed, the process ends at once: every later system call of
 * this program would change the wrong machine.
 *
 * @throws KernelError EPERM without CAP_SYS_ADMIN, EINVAL if `fd` is no network namespace
 */
export function inNamespace<T>(fd: number, body: () => T): T {
  const home = openNamespace(HERE);
  try {
    enter(fd);
    try {
      return body();
    } finally {
      comeHome(home);
    }
  } finally {
    closeSync(home);
  }
}

/**
 * The number of the network namespace in which the main thread is, which no other one ever has (SO_NETNS_COOKIE).
 *
 * @throws KernelError ENOPROTOOPT before Linux 5.14
 */
export function namespaceCookie(): bigint {
  const fd = call(
    'open socket',
    'int socket(int family, int type, int protocol)',
    AF_INET,
    SOCK_DGRAM | SOCK_CLOEXEC,
    0,
  );
  try {
    const value = Buffer.alloc(8);
    const length = Uint8Array.of(8, 0, 0, 0);
    const getsockopt = 'int getsockopt(int fd, int level, int option, void *value, void *length)';
    call('get cookie of network namespace', getsockopt, fd, SOL_SOCKET, SO_NETNS_COOKIE, value, length);
    return value.readBigUInt64LE();
  } finally {
    closeSync(fd);
  }
}

/**
 * Makes a network namespace and pins it to a file, so that it lives without a process.
 *
 *     ip netns add NAME
 *
 * The file must exist and be empty. Unlike `ip netns add`, no process is started: four system calls of our own.
 *
 * @throws KernelError EPERM, ENOSPC (user.max_net_namespaces)
 */
export function createNamespace(path: string): void {
  const home = openNamespace(HERE);
  try {
    call('unshare network namespace', 'int unshare(int flags)', CLONE_NEWNET);
    try {
      bindMount(HERE, path);
    } finally {
      comeHome(home);
    }
  } finally {
    closeSync(home);
  }
}

function enter(fd: number): void {
  call(`setns to network namespace ${fd}`, 'int setns(int fd, int type)', fd, CLONE_NEWNET);
}

function comeHome(home: number): void {
  try {
    enter(home);
  } catch (error) {
    process.stderr.write(`gangway: cannot leave a network namespace: ${String(error)}\n`);
    process.abort();
  }
}

/** NS_GET_MNTNS_ID, linux/nsfs.h: _IOR(0xb7, 5, u64). */
const NS_GET_MNTNS_ID = 0x8008b705;

/**
 * A mount namespace's id, which no other one gets as long as the machine runs.
 *
 * @param path `/proc/PID/ns/mnt`
 * @returns undefined where the kernel gives none: before Linux 6.11
 * @throws Error of open(2)
 */
export function mountNamespaceId(path: string): bigint | undefined {
  const id = Buffer.alloc(8);
  const fd = openSync(path, 'r');
  try {
    const prototype = 'int ioctl(int fd, unsigned long request, void *argument)';
    ignoring('ENOTTY', () => call(`read the id of ${path}`, prototype, fd, NS_GET_MNTNS_ID, id));
  } finally {
    closeSync(fd);
  }
  return id.readBigUInt64LE() || undefined;
}
