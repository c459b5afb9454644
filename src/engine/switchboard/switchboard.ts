/**
 * Who publishes what: the switchboard's table, without the socket over which it is spoken to.
 *
 * Theory of operation. An owner is a container. Its ports go through two states, and out:
 *
 *     reserve ──> reserved ──serve──> serving ──withdraw──> (gone, once its last connection has ended)
 *                    └── its client's connection ends ──> released, as if nothing had been
 *
 * A reservation belongs to the client that asked for it, because only that client knows whether the rest of its work
 * succeeds; if it is killed half-way, the sockets close with its connection. From `serve` on, the records say that the
 * ports are to be served, and the table only follows them: `follow` makes the table what the records say, after a start
 * and whenever a client asks. A port that was taken meanwhile is remembered as failed, with the reason, and tried again.
 */

import { collide, portKey } from '../../services/port-allocation.ts';
import { DatagramRelays } from '../../services/proxy/datagram-relay.ts';
import type { Relay } from '../../services/proxy/forward.ts';
import { type ProxyContext, type Reservation, reserve, serve } from '../../services/proxy/reservation.ts';
import { openFileLimit, openFiles } from '../../sys/open-files.ts';
import { GangwayError } from '../../values/errors.ts';
import type { PortBinding } from '../../values/port.ts';
import { formatBinding } from '../../values/port-grammar.ts';
import { type OwnerStatus, type Publication, samePublication } from './protocol.ts';

/** A client's connection, as the table sees it: something that reservations belong to. */
export type Session = object;

/** Descriptors that no client of a published port, and no question for a name, may take, so that gangway's own clients are always heard. */
export const descriptorsKept = 64;

type Entry =
  | { readonly state: 'reserved'; readonly session: Session; readonly reservations: readonly Reservation[] }
  | { readonly state: 'serving'; readonly relays: readonly Relay[] }
  | { readonly state: 'failed'; readonly reason: string };

type Owner = Entry & { readonly publication: Publication };

export class Switchboard {
  readonly #owners = new Map<string, Owner>();
  readonly #context: ProxyContext;
  readonly #fileLimit = openFileLimit();
  #draining = 0;

  /** @param onIdle called whenever something ended that may have been the last */
  constructor(readonly onIdle: () => void = () => {}) {
    const descriptorLimit = this.#fileLimit - descriptorsKept;
    this.#context = { descriptorLimit, datagrams: new DatagramRelays({ descriptorLimit }) };
  }

  /** Nothing is published, reserved or being ended. */
  get idle(): boolean {
    return this.#owners.size === 0 && this.#draining === 0;
  }

  /**
   * Holds every port of a publication for `session`, or none. What the same owner held before is withdrawn first.
   *
   * @throws GangwayError port-in-use, with the container or the program that has it; and what `reserve` throws
   */
  reserve(session: Session, publication: Publication): void {
    this.withdraw(publication.owner);
    this.#owners.set(publication.owner, { ...this.#reserve(session, publication), publication });
  }

  /**
   * Lets clients in. To serve what is served already is success.
   *
   * @throws GangwayError container-not-found if nothing is reserved for this owner
   */
  serve(owner: string): void {
    const entry = this.#owners.get(owner);
    if (entry?.state === 'serving') return;
    if (entry?.state !== 'reserved')
      throw new GangwayError('container-not-found', `no ports are reserved for container ${owner}`);
    // If this fails, the reservations are gone all the same.
    this.#owners.delete(owner);
    const relays = serve(entry.reservations, this.#context);
    this.#owners.set(owner, { state: 'serving', relays, publication: entry.publication });
  }

  /** Takes an owner's ports away: they are free when this returns. To withdraw what is not there is success. */
  withdraw(owner: string): void {
    const entry = this.#owners.get(owner);
    if (entry === undefined) return;
    this.#owners.delete(owner);
    if (entry.state === 'reserved') for (const reservation of entry.reservations) reservation.release();
    if (entry.state === 'serving') for (const relay of entry.relays) this.#drain(relay);
    this.onIdle();
  }

  /**
   * Gives back what a client had reserved and not served before its connection ended.
   *
   * @returns whether there was something: a client that was killed between its record and `serve` wants it served
   */
  end(session: Session): boolean {
    const abandoned = [...this.#owners].filter(([, entry]) => entry.state === 'reserved' && entry.session === session);
    for (const [owner] of abandoned) this.withdraw(owner);
    return abandoned.length > 0;
  }

  /** Makes the table what the records say, leaving alone what clients are just reserving. */
  follow(records: Iterable<Publication>): void {
    const wanted = new Map([...records].map((publication) => [publication.owner, publication]));
    for (const [owner, entry] of this.#owners) {
      const publication = wanted.get(owner);
      const stays =
        entry.state === 'serving' && publication !== undefined && samePublication(entry.publication, publication);
      if (entry.state === 'reserved' || stays) wanted.delete(owner);
      else this.withdraw(owner);
    }
    for (const publication of wanted.values()) this.#restore(publication);
  }

  status(): OwnerStatus[] {
    return [...this.#owners].map(([owner, entry]) => ({
      owner,
      name: entry.publication.name,
      state: entry.state,
      ...(entry.state === 'failed' ? { reason: entry.reason } : {}),
      ports: entry.publication.forwards.map(({ binding }) => formatBinding(binding)),
      clients: entry.state === 'serving' ? entry.relays.reduce((sum, relay) => sum + relay.clients, 0) : 0,
    }));
  }

  #reserve(session: Session, publication: Publication): Entry {
    this.#requireRoom(publication.forwards.length);
    try {
      return { state: 'reserved', session, reservations: reserve(publication.forwards) };
    } catch (error) {
      throw this.#takenByContainer(publication) ?? error;
    }
  }

  #restore(publication: Publication): void {
    const { owner } = publication;
    try {
      this.reserve(this, publication);
      this.serve(owner);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#owners.set(owner, { state: 'failed', reason, publication });
    }
  }

  /** @throws GangwayError not-supported, before one socket is bound, where the limit of open files has no room for all */
  #requireRoom(sockets: number): void {
    const taken = openFiles() + descriptorsKept;
    if (taken + sockets <= this.#fileLimit) return;
    const room = Math.max(this.#fileLimit - taken, 0);
    const message = `${sockets} published ports need a socket each, and there is room for ${room} (${this.#fileLimit} open files)`;
    // It was started with the limit of whoever started it.
    const again = this.#owners.size === 0 ? '' : `\`kill ${process.pid}\`, and `;
    const hint = `publish fewer ports, or ${again}start gangway where \`ulimit -Hn\` says ${taken + sockets} or more`;
    throw new GangwayError('not-supported', message, { hint });
  }

  /** The kernel would only name this process, which holds the ports of all containers. */
  #takenByContainer({ forwards }: Publication): GangwayError | undefined {
    const wanted = new Map<string, PortBinding[]>();
    for (const { binding } of forwards)
      wanted.set(portKey(binding), [...(wanted.get(portKey(binding)) ?? []), binding]);
    for (const { state, publication } of this.#owners.values()) {
      if (state === 'failed') continue;
      for (const { binding: held } of publication.forwards) {
        const refused = wanted.get(portKey(held))?.find((binding) => collide(binding, held));
        if (refused === undefined) continue;
        const message = `port ${formatBinding(refused)} is in use by container ${publication.name}`;
        return new GangwayError('port-in-use', message, { hint: 'stop it, or publish another host port' });
      }
    }
    return undefined;
  }

  #drain(relay: Relay): void {
    this.#draining++;
    void relay.withdraw().then(() => {
      this.#draining--;
      this.onIdle();
    });
  }
}
