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
 * and whenever a client asks, port by port: what is served already is not touched. A port that was taken meanwhile is
 * remembered as failed, with the reason, and tried again.
 */

import type { Relay } from '../../services/proxy/relay.ts';
import { adopt, type Reservation, reserve, serve } from '../../services/proxy/reservation.ts';
import { socketForwardsOf } from '../../services/proxy/socket-forward.ts';
import { SpliceWorker } from '../../services/proxy/splice-worker/splice-worker.ts';
import { openFileLimit, openFiles } from '../../sys/open-files.ts';
import { GangwayError, messageOf } from '../../values/errors.ts';
import { forwardsKey, spread } from '../../values/forward-set.ts';
import type { RelayTraffic } from '../results.ts';
import { ConnectHookOwner } from './connect-hook.ts';
import { descriptorsKept, requireRoom } from './fd-limit.ts';
import { Tidying } from './memory-trim.ts';
import { allOf, compare, conflict, type Held } from './port-diff.ts';
import type { OwnerStatus, Publication } from './protocol.ts';
import { relayTraffic, statusOf } from './status.ts';

/** A client's connection, as the table sees it: something that reservations belong to. */
export type Session = object;

/** Ports that are bound and deaf. What the same owner serves already goes on beside them. */
interface Reserved {
  readonly session: Session;
  readonly publication: Publication;
  readonly reservations: readonly Reservation[];
}

/** What the records want served; `reason` says why not all of it is. */
interface Owner {
  readonly publication: Publication;
  readonly served: readonly Relay[];
  readonly reason?: string;
}

export class PortTable {
  readonly #reserved = new Map<string, Reserved>();
  readonly #owners = new Map<string, Owner>();
  readonly #worker: SpliceWorker;
  readonly #fileLimit = openFileLimit();
  readonly #tidying: Tidying;
  #draining = 0;

  /**
   * @param onIdle called whenever something ended that may have been the last
   * @param leading leads past the relays whom it can
   */
  constructor(
    readonly onIdle: () => void = () => {},
    readonly leading: ConnectHookOwner = new ConnectHookOwner(),
  ) {
    const log = (sentence: string) => void process.stderr.write(`${sentence}\n`);
    this.#worker = new SpliceWorker({ descriptorLimit: this.#fileLimit - descriptorsKept, log });
    this.#tidying = new Tidying(this.#worker);
  }

  /** Nothing is published, reserved or being ended. */
  get idle(): boolean {
    return this.#owners.size + this.#reserved.size + this.#draining === 0;
  }

  /** @throws GangwayError not-supported where the limit of open files has no room for so many more */
  requireRoom(sockets: number): void {
    const pid = this.#owners.size + this.#reserved.size === 0 ? {} : { pid: process.pid };
    requireRoom(sockets, { limit: this.#fileLimit, open: openFiles(), ...pid });
  }

  /**
   * Holds every port of a publication for `session`, or none. What the same owner had reserved before is released first.
   *
   * @throws GangwayError port-in-use, with the container or the program that has it; and what `reserve` throws
   */
  reserve(session: Session, publication: Publication): void {
    this.#release(publication.owner);
    this.#reserved.set(publication.owner, { session, publication, reservations: this.#bind(publication) });
  }

  /**
   * Lets clients in. To serve what is served already is success.
   *
   * @throws GangwayError container-not-found if nothing is reserved for this owner
   */
  serve(owner: string): void {
    const before = this.#owners.get(owner);
    const reserved = this.#reserved.get(owner);
    if (reserved === undefined) {
      if (before !== undefined && before.reason === undefined) return;
      throw new GangwayError('container-not-found', `no ports are reserved for container ${owner}`);
    }
    // If this fails, the reservations are gone all the same.
    this.#reserved.delete(owner);
    const { publication } = reserved;
    const served = [...(before?.served ?? []), ...this.#open(reserved.reservations)];
    const forwards = [...(before?.publication.forwards ?? []), ...publication.forwards];
    // What could not be served before is not served by this.
    const failed = before?.reason === undefined ? {} : { reason: before.reason };
    this.#owners.set(owner, { publication: { ...publication, forwards }, served, ...failed });
  }

  /**
   * Serves at once, for an owner who is in no record.
   *
   * @param take gives the socket that somebody else has bound for the one forward. Absent: ours are bound
   * @throws as `reserve`
   */
  serveAtOnce(publication: Publication, take?: () => number): void {
    const { owner } = publication;
    this.#owners.set(owner, { publication, served: this.#open(this.#adoptOrBind(publication, take)) });
  }

  /** Takes an owner's ports away: they are free when this returns. To withdraw what is not there is success. */
  withdraw(owner: string): void {
    this.#release(owner);
    const before = this.#owners.get(owner);
    if (before === undefined) return;
    this.#owners.delete(owner);
    this.#drain(this.leading.withdraw(allOf(before.served)));
    for (const relay of before.served) this.#drain(relay.drain());
    this.onIdle();
  }

  /** Serves no more of what an owner has than this: before the rules go that say who may not ask the others. */
  keep(publication: Publication): void {
    if (this.#owners.has(publication.owner)) this.#adjust(publication);
  }

  /**
   * Gives back what a client had reserved and not served before its connection ended.
   *
   * @returns whether there was something: a client that was killed between its record and `serve` wants it served
   */
  end(session: Session): boolean {
    const abandoned = [...this.#reserved].filter(([, reserved]) => reserved.session === session);
    for (const [owner] of abandoned) this.#release(owner);
    return abandoned.length > 0;
  }

  /**
   * Makes the table what the records say, leaving alone the owners for whom a client is just reserving.
   *
   * @param unknown owners who keep what they have
   */
  follow(records: Iterable<Publication>, unknown: ReadonlySet<string>): void {
    const wanted = new Map([...records].map((publication) => [publication.owner, publication]));
    for (const owner of this.#reserved.keys()) wanted.delete(owner);
    const stays = (owner: string) => wanted.has(owner) || this.#reserved.has(owner) || unknown.has(owner);
    for (const owner of [...this.#owners.keys()]) if (!stays(owner)) this.withdraw(owner);
    for (const publication of wanted.values()) this.#adjust(publication);
  }

  status(): OwnerStatus[] {
    return [
      ...[...this.#reserved.values()].map(({ publication }) => statusOf(publication, { state: 'reserved' })),
      ...[...this.#owners.values()].map(({ publication, served, reason }) =>
        statusOf(publication, reason === undefined ? { state: 'serving' } : { state: 'failed', reason }, served),
      ),
    ];
  }

  /** What has been carried since it was served, and who was led past it. */
  counts(): readonly RelayTraffic[] {
    const ledTo = this.leading.counts();
    return [...this.#owners.values()].flatMap(({ publication, served }) => relayTraffic(publication, served, ledTo));
  }

  /** Stops serving, whatever is published. */
  close(): void {
    for (const owner of [...this.#reserved.keys(), ...this.#owners.keys()]) this.withdraw(owner);
  }

  /** Brings one owner to what is wanted. A port that nobody wants any more, or that leads elsewhere, ends with its connections. */
  #adjust(publication: Publication): void {
    const { owner, forwards } = publication;
    const before = this.#owners.get(owner);
    if (before !== undefined && before.reason === undefined && isSame(before.publication, publication)) {
      this.#owners.set(owner, { ...before, publication });
      return;
    }
    const { stay, gone, left, missing } = compare(before?.served ?? [], forwards);
    this.leading.cut(left);
    for (const relay of gone) this.#drain(relay.abort());
    this.#owners.delete(owner);
    if (forwards.length === 0) return;
    try {
      const fresh = this.#open(this.#bind({ ...publication, forwards: missing }));
      this.#owners.set(owner, { publication, served: [...stay, ...fresh] });
    } catch (error) {
      this.leading.cut(allOf(gone));
      const reason = messageOf(error);
      this.#owners.set(owner, { publication, served: stay, reason });
    }
  }

  #bind(publication: Publication): readonly Reservation[] {
    const forwards = socketForwardsOf(publication.forwards);
    if (forwards.length === 0) return [];
    this.requireRoom(forwards.length);
    try {
      return reserve(forwards);
    } catch (error) {
      // The kernel would only name this process, which holds the ports of all containers.
      throw conflict(publication, this.#held()) ?? error;
    }
  }

  #adoptOrBind(publication: Publication, take: (() => number) | undefined): readonly Reservation[] {
    if (take === undefined) return this.#bind(publication);
    const forwards = socketForwardsOf(publication.forwards);
    this.requireRoom(forwards.length);
    return forwards.map((forward) => adopt(forward, take()));
  }

  #open(reservations: readonly Reservation[]): readonly Relay[] {
    const relays = serve(reservations, this.#worker);
    this.#tidying.changed(relays.length);
    this.leading.lead(allOf(relays), () => [...this.#owners.values()].flatMap(({ served }) => allOf(served)));
    return relays;
  }

  #release(owner: string): void {
    const reservations = this.#reserved.get(owner)?.reservations ?? [];
    if (!this.#reserved.delete(owner)) return;
    for (const reservation of reservations) reservation.release();
    this.onIdle();
  }

  *#held(): Generator<Held> {
    for (const { publication } of this.#reserved.values())
      for (const { binding } of spread(publication.forwards)) yield { name: publication.name, binding };
    for (const { publication, served } of this.#owners.values())
      for (const { binding } of spread(allOf(served))) yield { name: publication.name, binding };
  }

  #drain(end: Promise<void>): void {
    this.#draining++;
    void end.then(() => {
      this.#draining--;
      this.#tidying.changed(1);
      this.onIdle();
    });
  }
}

function isSame(a: Publication, b: Publication): boolean {
  return forwardsKey(a.forwards) === forwardsKey(b.forwards);
}
