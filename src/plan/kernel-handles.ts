/**
 * The kernel as one change sees it: its namespaces, opened once, by place.
 *
 * A world lives as long as one change or one engine call. Open namespaces are kept alive by it, so it must be closed.
 */
import { findLink, findLinkIndex, type Link } from '../kernel/link.ts';
import { KernelNamespace, pinPath } from '../kernel/namespace.ts';
import type { Settings } from '../kernel/sysctl-batch.ts';
import type { Lock } from '../sys/flock.ts';
import { KernelError } from '../values/errors.ts';
import type { NamespaceRef } from './namespace-ref.ts';

export class KernelHandles implements Disposable {
  readonly #host: KernelNamespace;
  readonly #namespaces = new Map<string, KernelNamespace>();
  readonly #indices = new Map<string, number>();
  readonly #locks: Lock[] = [];
  readonly #read = new Map<string, unknown>();

  /** @param host stays open when this world is closed: its owner may need it again */
  constructor(host: KernelNamespace) {
    this.#host = host;
  }

  /** The open namespace of a place. @throws ENOENT where it has no pin */
  namespace(place: NamespaceRef): KernelNamespace {
    if (place === 'host') return this.#host;
    const { namespace: name } = place;
    let found = this.#namespaces.get(name);
    if (found === undefined) {
      found = KernelNamespace.open(pinPath(name));
      this.#namespaces.set(name, found);
    }
    return found;
  }

  get settings(): Settings {
    return this.#host.settings;
  }

  /** Runs synchronous code with the thread inside the place. */
  runInside<T>(place: NamespaceRef, body: () => T): T {
    return place === 'host' ? body() : this.namespace(place).inside(body);
  }

  /** @returns undefined where the place has no link of this name */
  findLink(place: NamespaceRef, name: string): Link | undefined {
    return findLink(this.namespace(place).route, name);
  }

  /** The index of a link, by which the kernel wants to be told where an address belongs. @throws KernelError ENODEV */
  linkIndex(place: NamespaceRef, name: string): number {
    const key = linkKey(place, name);
    const known = this.#indices.get(key);
    if (known !== undefined) return known;
    const found = findLinkIndex(this.namespace(place).route, name);
    if (found === undefined) throw new KernelError(`find link ${name}`, 'ENODEV');
    this.#indices.set(key, found);
    return found;
  }

  /** Takes note of an index that a request is about to give to a link. */
  setLinkIndex(place: NamespaceRef, name: string, index: number): void {
    this.#indices.set(linkKey(place, name), index);
  }

  /** A link that is made again has another index. */
  forgetLinkIndex(place: NamespaceRef, name: string): void {
    this.#indices.delete(linkKey(place, name));
  }

  /** Lets go of a namespace that is about to be removed. */
  closeNamespace(name: string): void {
    this.#namespaces.get(name)?.close();
    this.#namespaces.delete(name);
    for (const key of this.#indices.keys()) if (key.startsWith(`${name}/`)) this.#indices.delete(key);
  }

  /** What was read once, and stays true until this change changes it: then `unlearn` is called. */
  cached<T>(what: string, read: () => T): T {
    if (!this.#read.has(what)) this.#read.set(what, read());
    return this.#read.get(what) as T;
  }

  invalidate(what: string): void {
    this.#read.delete(what);
  }

  /** Keeps a lock until this world is closed. */
  holdLock(lock: Lock): void {
    this.#locks.push(lock);
  }

  [Symbol.dispose](): void {
    for (const lock of this.#locks.splice(0)) lock.release();
    for (const namespace of this.#namespaces.values()) namespace.close();
    this.#namespaces.clear();
  }
}

function linkKey(place: NamespaceRef, name: string): string {
  return place === 'host' ? name : `${place.namespace}/${name}`;
}
