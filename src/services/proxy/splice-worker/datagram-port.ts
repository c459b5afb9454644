/**
 * A published UDP port in the engine: what comes in goes to the flow that it belongs to, by the batch.
 *
 * What a flow is, and how it ends, see datagram-relay.ts, which is the same without this engine. A batch holds datagrams of
 * several flows: they are put into one line a flow, in their order, and each line is one call.
 */

import { batch, type DatagramBatch } from '../../../sys/datagram-batch.ts';
import type { Counters } from '../counters.ts';
import type { Destination } from '../socket-forward.ts';
import { FlowLine } from '../udp-flow-lru.ts';
import { DatagramFlow, type FlowOwner } from './datagram-flow.ts';
import type { Timer } from './event-loop.ts';
import type { Port } from './idle-port.ts';
import type { Means } from './shared.ts';

const none: readonly DatagramFlow[] = [];

export class DatagramPort implements Port, FlowOwner {
  /** By hash, which few of them share. */
  readonly #flows = new Map<number, DatagramFlow[]>();
  readonly #line = new FlowLine<DatagramFlow>();
  readonly #seed = Math.floor(Math.random() * 2 ** 32) | 0;
  /** Of the batch: the flow of each datagram. */
  readonly #owners: (DatagramFlow | undefined)[] = new Array(batch).fill(undefined);
  #expiry: Timer | undefined;

  /** @param onEnded called when it is withdrawn or cut */
  constructor(
    readonly fd: number,
    readonly destination: Destination,
    readonly counters: Counters,
    readonly means: Means,
    readonly datagrams: DatagramBatch,
    readonly onEnded: () => void,
  ) {}

  ready(): void {
    const count = this.datagrams.receive(this.fd);
    for (let place = 0; place < count; place++) this.#owners[place] = this.#find(place) ?? this.#begin(place);
    for (let place = 0; place < count; place++) {
      const flow = this.#owners[place];
      if (flow !== undefined) this.#sendAll(flow, place, count);
    }
  }

  /** There are no connections: each datagram is a client's first. */
  cut(): void {
    this.withdraw();
  }

  withdraw(): void {
    if (this.#expiry !== undefined) this.means.loop.cancel(this.#expiry);
    this.means.loop.forget(this.fd);
    for (const flow of this.#line) this.#forget(flow);
    this.onEnded();
  }

  use(flow: DatagramFlow): void {
    this.#line.use(flow, this.means.loop.now);
  }

  /** Every datagram of the batch from `place` on that is this flow's, as one line. */
  #sendAll(flow: DatagramFlow, place: number, count: number): void {
    let lined = 0;
    let bytes = 0;
    for (let other = place; other < count; other++) {
      if (this.#owners[other] !== flow) continue;
      this.#owners[other] = undefined;
      this.datagrams.lineUp(lined++, other);
      bytes += this.datagrams.length(other);
    }
    this.use(flow);
    const sent = this.datagrams.sendOn(flow.fd, lined);
    this.counters.carriedDatagrams(true, lined, bytes);
    this.counters.failed('refused', this.datagrams.takeRefusals());
    if (sent < lined) this.counters.dropped('unsent', lined - sent);
  }

  #find(place: number): DatagramFlow | undefined {
    const alike = this.#flows.get(this.datagrams.hash(place, this.#seed)) ?? none;
    for (const flow of alike) if (this.datagrams.leadsBack(place, flow.path)) return flow;
    return undefined;
  }

  /** @returns undefined where the container can't be reached or descriptors ran out: the datagram gets lost */
  #begin(place: number): DatagramFlow | undefined {
    if (this.#line.size >= this.means.settings.flowLimit) this.#makeRoom();
    const hash = this.datagrams.hash(place, this.#seed);
    const flow = DatagramFlow.begin(this, hash, place);
    if (flow === undefined) return undefined;
    this.#flows.set(hash, [...(this.#flows.get(hash) ?? []), flow]);
    this.#line.add(flow);
    this.counters.began();
    this.#expiry ??= this.#expireLater();
    return flow;
  }

  #makeRoom(): void {
    const { longestSilent } = this.#line;
    if (longestSilent === undefined) return;
    this.counters.dropped('evicted');
    this.#forget(longestSilent);
  }

  #expireLater(): Timer {
    const { loop, settings } = this.means;
    return loop.after(settings.idleMilliseconds / 6, () => {
      for (const flow of this.#line.silentFor(settings.idleMilliseconds, loop.now)) this.#forget(flow);
      this.#expiry = this.#line.size > 0 ? this.#expireLater() : undefined;
    });
  }

  #forget(flow: DatagramFlow): void {
    const alike = (this.#flows.get(flow.hash) ?? []).filter((each) => each !== flow);
    if (alike.length > 0) this.#flows.set(flow.hash, alike);
    else this.#flows.delete(flow.hash);
    // What it has sent in this batch is lost with it.
    for (const [place, owner] of this.#owners.entries()) if (owner === flow) this.#owners[place] = undefined;
    this.#line.remove(flow);
    this.counters.ended();
    flow.end();
  }
}
