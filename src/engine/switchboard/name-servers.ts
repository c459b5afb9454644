/**
 * Who has a name server: it follows what is wanted, and holds nothing else.
 *
 * A name server's sockets keep its namespace alive, and it may have to ask from in there; so it is closed before the
 * namespace is to go. A container that has started again has the same pin and another namespace behind it: by the
 * beginning of its life it is told from the one before.
 */
import { KernelNamespace, pinPath } from '../../kernel/namespace.ts';
import type { Open } from '../../services/dns/egress-opening.ts';
import { type NameServer, NameServers, openNameServerSockets } from '../../services/dns/name-server.ts';
import { type Dial, dialHere } from '../../services/dns/upstream-socket.ts';
import { hasErrno, messageOf } from '../../values/errors.ts';
import { nameServerPort } from '../../values/resolver.ts';
import type { NameService } from '../dns/zones.ts';
import type { NameStatus } from './protocol.ts';

type Entry = { readonly service: NameService } & (
  | { readonly state: 'serving'; readonly server: NameServer; readonly namespace: KernelNamespace }
  | { readonly state: 'failed'; readonly reason: string }
);

export class NameServerTable {
  readonly #entries = new Map<string, Entry>();
  readonly #servers: NameServers;

  /**
   * @param descriptorLimit no client and no question to a server outside takes this descriptor or a higher one
   * @param open what opens the addresses of names to limited networks
   */
  constructor(descriptorLimit: number, open: Open) {
    this.#servers = new NameServers(descriptorLimit, open);
  }

  get idle(): boolean {
    return this.#entries.size === 0;
  }

  /**
   * Makes the name servers those that are wanted, and each answer as it should now. What failed is tried again.
   *
   * @param unknown owners who keep what they have
   */
  follow(wanted: readonly NameService[], unknown: ReadonlySet<string>): void {
    const lives = new Map(wanted.map(({ owner, startedAt }) => [owner, startedAt]));
    for (const [owner, { state, service }] of this.#entries) {
      if (unknown.has(owner)) continue;
      if (state === 'failed' || lives.get(owner) !== service.startedAt) this.withdraw(owner);
    }
    for (const service of wanted) {
      const entry = this.#entries.get(service.owner);
      if (entry?.state === 'serving') entry.server.follow(service.zone);
      else this.#entries.set(service.owner, this.#open(service));
    }
  }

  /** Nothing holds the container's namespace any more when this returns. */
  withdraw(owner: string): void {
    const entry = this.#entries.get(owner);
    this.#entries.delete(owner);
    if (entry?.state !== 'serving') return;
    entry.server.close();
    entry.namespace.close();
  }

  status(): readonly NameStatus[] {
    return [...this.#entries.values()].map(({ service: { owner, name }, ...entry }) => ({
      owner,
      name,
      ...(entry.state === 'failed' ? { reason: entry.reason } : {}),
    }));
  }

  #open(service: NameService): Entry {
    let namespace: KernelNamespace | undefined;
    try {
      namespace = KernelNamespace.open(pinPath(service.namespace));
      return { state: 'serving', service, server: this.#serve(namespace, service), namespace };
    } catch (error) {
      namespace?.close();
      return { state: 'failed', service, reason: reasonOf(error) };
    }
  }

  #serve(namespace: KernelNamespace, { zone }: NameService): NameServer {
    const sockets = namespace.inside(() => openNameServerSockets(nameServerPort));
    const dial: Dial = (upstream, protocol) =>
      upstream.place === 'host' ? dialHere(upstream, protocol) : namespace.inside(() => dialHere(upstream, protocol));
    return this.#servers.serve(sockets, zone, dial);
  }
}

/** Only a program of the container can be in the way, and only while no switchboard ran. */
function reasonOf(error: unknown): string {
  if (hasErrno(error, 'EADDRINUSE')) return `a program in it has port ${nameServerPort} of 127.0.0.11`;
  return messageOf(error);
}
