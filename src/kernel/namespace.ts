/**
 * A network namespace as an object: a file descriptor, and the conversations with the kernel that were begun in it.
 *
 * A netlink socket stays in the namespace in which it was opened. So to work in a container is to hold one of these,
 * and never to move there. Pins stand below /run/netns, where `ip netns` looks for them.
 *
 * @see ip-netns(8)
 */
import { closeSync, rmSync, statfsSync, unlinkSync, writeFileSync } from 'node:fs';
import { Connection } from '../netlink/connection.ts';
import { bindToItself, makeShared, unmount } from '../sys/mount.ts';
import { createNamespace, inNamespace, openNamespace } from '../sys/namespace.ts';
import { hasErrno, ignoring, KernelError } from '../values/errors.ts';
import { shortId } from '../values/id.ts';
import { makeDirectory } from './directory.ts';
import { Settings } from './sysctl-batch.ts';

/** Where iproute2 keeps its pins. */
export const pinDirectory = '/run/netns';

/** linux/magic.h: the file system whose files are namespaces. */
const NSFS_MAGIC = 0x6e736673;

export class KernelNamespace {
  readonly path: string;
  readonly fd: number;
  #route: Connection | undefined;
  #netfilter: Connection | undefined;
  /** For writing settings, wherever the thread then is. */
  readonly settings = new Settings();

  private constructor(path: string) {
    this.path = path;
    this.fd = openNamespace(path);
  }

  /**
   * Opens the namespace behind a file. Close it when done: an open one keeps the namespace alive.
   *
   * @throws Error ENOENT, also of a pin that is being made or removed: the file is there before and after the namespace
   */
  static open(path: string): KernelNamespace {
    const opened = new KernelNamespace(path);
    if (statfsSync(`/proc/self/fd/${opened.fd}`).type === NSFS_MAGIC) return opened;
    opened.close();
    throw new KernelError(`open network namespace ${path}`, 'ENOENT', 'no namespace is mounted there');
  }

  /** The namespace in which this program was started. */
  static own(): KernelNamespace {
    return new KernelNamespace('/proc/self/ns/net');
  }

  /** Links, addresses, routes, neighbours. */
  get route(): Connection {
    this.#route ??= this.inside(() => Connection.open('route'));
    return this.#route;
  }

  /** nf_tables and conntrack. Kept open: closing one after a deletion waits 11 ms for a grace period. */
  get netfilter(): Connection {
    this.#netfilter ??= this.inside(() => Connection.open('netfilter'));
    return this.#netfilter;
  }

  /** Runs synchronous code with the thread inside. For what has no socket: files below /proc/sys/net. */
  inside<T>(body: () => T): T {
    return inNamespace(this.fd, body);
  }

  close(): void {
    this.#route?.close();
    this.#netfilter?.close();
    this.settings[Symbol.dispose]();
    closeSync(this.fd);
  }
}

/** What a container's pin is called. */
export function pinOf(id: string): string {
  return `gangway-${shortId(id)}`;
}

/** The pin of a namespace: `/run/netns/NAME`. */
export function pinPath(name: string): string {
  return `${pinDirectory}/${name}`;
}

/**
 * Makes a namespace and pins it.
 *
 *     ip netns add NAME
 *
 * @throws Error EEXIST where the pin is taken, KernelError of what it takes to make the namespace
 */
export function addNamespace(name: string): void {
  const path = pinPath(name);
  preparePin(path);
  try {
    createNamespace(path);
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  }
}

/** Makes the empty file, and if this is the first the shared directory, as iproute2 does. */
export function preparePin(path: string): void {
  try {
    writeFileSync(path, '', { flag: 'wx', mode: 0o444 });
  } catch (error) {
    if (!hasErrno(error, 'ENOENT')) throw error;
    makeDirectory(pinDirectory, 0o755);
    bindToItself(pinDirectory);
    makeShared(pinDirectory);
    writeFileSync(path, '', { flag: 'wx', mode: 0o444 });
  }
}

/**
 * Removes a pin; the kernel frees the namespace when nothing else holds it. What is gone already is removed.
 *
 *     ip netns delete NAME
 */
export function deleteNamespace(name: string): void {
  const path = pinPath(name);
  ignoring(['EINVAL', 'ENOENT'], () => unmount(path));
  ignoring('ENOENT', () => unlinkSync(path));
}
