/**
 * A published UDP port in the worker's thread.
 *
 * UDP has no connections, so the relay keeps **flows**: a client's address and port, together with the host address that the client
 * sent to. Each flow has its own socket to the container. So the container can tell clients apart by their port, and
 * the relay knows the client of an answer by the socket that receives the answer:
 *
 *     client ── 127.0.0.2:5353 │ published socket │ flow's socket, 172.17.0.1:40123 ── 172.17.0.2:53 container
 *
 * An answer leaves from the published socket, with the address that the client sent to as its source. A flow ends after 90 s
 * without a datagram in either direction. A port with the maximum of flows removes the flow that was idle longest.
 *
 * If the container does not listen, ICMP port unreachable becomes an error of the flow's socket. The error is
 * counted, and the flow stays: the service may start in a moment. Unlike docker-proxy, empty datagrams are relayed.
 *
 * Datagrams are received in batches. Those of one flow are sent on together, in one call and in their order.
 */
import { batch, type DatagramBatch } from '../../../sys/datagram-batch.ts';
import type { Counters } from '../counters.ts';
import type { Destination } from '../socket-forward.ts';
import type { Port, WorkerContext } from './context.ts';
import { DatagramFlow, type FlowOwner } from './datagram-flow.ts';
import type { Timer } from './event-loop.ts';
import { FlowLru } from './flow-lru.ts';

const none: readonly DatagramFlow[] = [];

export class DatagramPort implements Port, FlowOwner {
  /** By the hash of their client; a hash may have several. */
  readonly #flows = new Map<number, DatagramFlow[]>();
  readonly #flowLru = new FlowLru<DatagramFlow>();
  readonly #seed = Math.floor(Math.random() * 2 ** 32) | 0;
  /** The flow of each datagram of the batch. */
  readonly #owners: (DatagramFlow | undefined)[] = new Array(batch).fill(undefined);
  #expiry: Timer | undefined;

  /** @param onEnded called after `abort` or `drain` */
  constructor(
    readonly fd: number,
    readonly destination: Destination,
    readonly counters: Counters,
    readonly context: WorkerContext,
    readonly datagrams: DatagramBatch,
    readonly onEnded: () => void,
  ) {}

  onEvents(): void {
    const count = this.datagrams.receive(this.fd);
    for (let place = 0; place < count; place++) this.#owners[place] = this.#find(place) ?? this.#open(place);
    for (let place = 0; place < count; place++) {
      const flow = this.#owners[place];
      if (flow !== undefined) this.#sendAll(flow, place, count);
    }
  }

  /** Without connections, there is nothing to drain. */
  abort(): void {
    this.drain();
  }

  drain(): void {
    if (this.#expiry !== undefined) this.context.loop.cancel(this.#expiry);
    for (const flow of this.#flowLru) this.#close(flow);
    this.onEnded();
  }

  touch(flow: DatagramFlow): void {
    this.#flowLru.touch(flow, this.context.loop.now);
  }

  /** Sends all datagrams of a flow that are in the batch, from `place` on. */
  #sendAll(flow: DatagramFlow, place: number, count: number): void {
    let lined = 0;
    let bytes = 0;
    for (let other = place; other < count; other++) {
      if (this.#owners[other] !== flow) continue;
      this.#owners[other] = undefined;
      this.datagrams.lineUp(lined++, other);
      bytes += this.datagrams.length(other);
    }
    this.touch(flow);
    const sent = this.datagrams.sendOn(flow.fd, lined);
    this.counters.addDatagrams(true, lined, bytes);
    this.counters.addError('refused', this.datagrams.takeRefusals());
    if (sent < lined) this.counters.addDrop('unsent', lined - sent);
  }

  #find(place: number): DatagramFlow | undefined {
    const alike = this.#flows.get(this.datagrams.hash(place, this.#seed)) ?? none;
    for (const flow of alike) if (this.datagrams.leadsBack(place, flow.path)) return flow;
    return undefined;
  }

  #open(place: number): DatagramFlow | undefined {
    if (this.#flowLru.size >= this.context.settings.flowLimit) this.#makeRoom();
    const hash = this.datagrams.hash(place, this.#seed);
    const flow = DatagramFlow.open(this, hash, place);
    if (flow === undefined) return undefined;
    this.#flows.set(hash, [...(this.#flows.get(hash) ?? []), flow]);
    this.#flowLru.add(flow);
    this.counters.addOpened();
    this.#expiry ??= this.#expireLater();
    return flow;
  }

  #makeRoom(): void {
    const { oldest: longestSilent } = this.#flowLru;
    if (longestSilent === undefined) return;
    this.counters.addDrop('evicted');
    this.#close(longestSilent);
  }

  #expireLater(): Timer {
    const { loop, settings } = this.context;
    return loop.after(settings.idleMilliseconds / 6, () => {
      for (const flow of this.#flowLru.idleFor(settings.idleMilliseconds, loop.now)) this.#close(flow);
      this.#expiry = this.#flowLru.size > 0 ? this.#expireLater() : undefined;
    });
  }

  #close(flow: DatagramFlow): void {
    const alike = (this.#flows.get(flow.hash) ?? []).filter((each) => each !== flow);
    if (alike.length > 0) this.#flows.set(flow.hash, alike);
    else this.#flows.delete(flow.hash);
    // Its datagrams of this batch are lost.
    for (const [place, owner] of this.#owners.entries()) if (owner === flow) this.#owners[place] = undefined;
    this.#flowLru.remove(flow);
    this.counters.addClosed();
    flow.close();
  }
}
