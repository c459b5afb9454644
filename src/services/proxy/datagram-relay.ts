/**
 * Published UDP ports in user space, on Node's own loop: for where the engine (engine/datagram-port.ts) can't work.
 *
 * Theory of operation. UDP has no connections, so the relay remembers who asked: a **flow** is one client's address and
 * port together with the address of ours that it asked. Each flow has a socket of its own that is connected to the
 * container, so that the container tells clients apart by port, and an answer finds its client by the socket on which
 * it comes in:
 *
 *     client ── 127.0.0.2:5353 │ listener │ flow's socket, 172.17.0.1:40123 ── 172.17.0.2:53 container
 *
 * The answer leaves by the listener, from the address that was asked. A flow is forgotten after 90 s without a datagram
 * in either direction. Their number per port is bounded; the flow that was silent longest makes room.
 *
 * A container that does not listen answers with ICMP port unreachable, which the kernel reports on the flow's socket.
 * It is ignored: the service may come up in a moment, and the flow must then work.
 *
 * What differs from Docker: empty datagrams are carried too.
 */
import { DatagramBuffer, type ReturnPath } from '../../sys/datagram-buffer.ts';
import { closeSocket, connect, dropped, openDatagram } from '../../sys/inet-socket.ts';
import { type Watch, whenReadable } from '../../sys/readiness.ts';
import { KernelError } from '../../values/errors.ts';
import { Counters, type Counts } from './counters.ts';
import { ordinarySettings, type Relay, type RelayOptions } from './relay.ts';
import { type SocketForward, targetOf } from './socket-forward.ts';
import { FlowLine, type Timed } from './udp-flow-lru.ts';

/** Datagrams that one socket may deliver before the others get their turn. */
const turn = 64;

export interface DatagramOptions extends RelayOptions {
  /** The time in milliseconds, from any origin. Default: the monotonic clock. */
  readonly now?: () => number;
}

interface Flow extends Timed {
  readonly key: string;
  readonly fd: number;
  readonly watch: Watch;
}

/** All UDP ports of a process. They share one buffer, since only one datagram is on its way at a time. */
export class DatagramRelays {
  readonly #buffer = new DatagramBuffer();
  readonly #options: Required<DatagramOptions>;

  constructor(options: DatagramOptions = {}) {
    this.#options = { now: () => performance.now(), ...ordinarySettings, ...options };
  }

  /** @param fd a bound socket, which is the relay's from now on, also if this throws */
  serve(fd: number, forward: SocketForward): DatagramRelay {
    try {
      return new DatagramRelay(fd, forward, this.#buffer, this.#options);
    } catch (error) {
      closeSocket(fd);
      throw error;
    }
  }
}

export class DatagramRelay implements Relay {
  readonly #watch: Watch;
  readonly #counters = new Counters();
  readonly #droppedBefore: number;
  /** By return key. */
  readonly #flows = new Map<string, Flow>();
  readonly #line = new FlowLine<Flow>();
  #expiry: NodeJS.Timeout | undefined;

  constructor(
    readonly fd: number,
    readonly forward: SocketForward,
    readonly buffer: DatagramBuffer,
    readonly options: Required<DatagramOptions>,
  ) {
    this.#droppedBefore = dropped(fd);
    this.#watch = whenReadable(fd, () => this.#fromClients());
  }

  get clients(): number {
    return this.#flows.size;
  }

  counts(): Counts {
    return { ...this.#counters.read(), overflowed: dropped(this.fd) - this.#droppedBefore };
  }

  /** There are no connections: each datagram is a client's first. */
  cut(): Promise<void> {
    return this.withdraw();
  }

  withdraw(): Promise<void> {
    clearTimeout(this.#expiry);
    this.#watch.close();
    closeSocket(this.fd);
    for (const flow of this.#line) this.#forget(flow);
    return Promise.resolve();
  }

  /** Forgets the flows that were silent for too long. Called by the relay itself, and by tests with a clock of theirs. */
  expire(): void {
    const { now, idleMilliseconds } = this.options;
    for (const flow of this.#line.silentFor(idleMilliseconds, now())) this.#forget(flow);
  }

  #fromClients(): void {
    for (let count = 0; count < turn; count++) {
      const length = this.buffer.receiveFrom(this.fd);
      if (length === undefined) return;
      const key = this.buffer.returnKey();
      const flow = this.#flows.get(key) ?? this.#begin(key);
      if (flow === undefined) continue;
      this.#line.use(flow, this.options.now());
      // The first attempt may only collect the ICMP error of an earlier datagram, and send nothing.
      const sent = this.buffer.send(flow.fd, length) || this.buffer.send(flow.fd, length);
      this.#count(true, length, sent);
    }
  }

  #fromContainer(key: string, path: ReturnPath): void {
    const flow = this.#flows.get(key);
    if (flow === undefined) return;
    for (let count = 0; count < turn; count++) {
      const length = this.buffer.receive(flow.fd);
      if (length === undefined) {
        this.#counters.failed('refused', this.buffer.takeRefusals());
        return;
      }
      this.#line.use(flow, this.options.now());
      this.#count(false, length, this.buffer.sendBack(this.fd, length, path));
    }
  }

  #count(fromClient: boolean, length: number, sent: boolean): void {
    this.#counters.carriedDatagrams(fromClient, 1, length);
    this.#counters.failed('refused', this.buffer.takeRefusals());
    if (!sent) this.#counters.dropped('unsent');
  }

  /** @returns undefined where the container can't be reached or descriptors ran out: the datagram gets lost */
  #begin(key: string): Flow | undefined {
    const { longestSilent } = this.#line;
    if (this.#line.size >= this.options.flowLimit && longestSilent !== undefined) {
      this.#counters.dropped('evicted');
      this.#forget(longestSilent);
    }
    const fd = this.#connect();
    if (fd === undefined) return undefined;
    const path = this.buffer.returnPath();
    const watch = whenReadable(fd, () => this.#fromContainer(key, path));
    const now = this.options.now();
    const flow = { key, fd, watch, usedAt: now, linedUpAt: now };
    this.#flows.set(key, flow);
    this.#line.add(flow);
    this.#counters.began();
    this.#scheduleExpiry();
    return flow;
  }

  #connect(): number | undefined {
    const target = targetOf(this.forward, this.buffer.family());
    let fd: number | undefined;
    try {
      fd = openDatagram(target.address.family);
      if (fd >= this.options.descriptorLimit) throw new KernelError('open socket', 'EMFILE');
      connect(fd, target);
      return fd;
    } catch (error) {
      if (fd !== undefined) closeSocket(fd);
      // Whatever the kernel has against it (no route, no descriptors), what is lost is one datagram.
      if (!(error instanceof KernelError)) throw error;
      this.#counters.notBegun(error.errno);
      return undefined;
    }
  }

  #forget(flow: Flow): void {
    this.#flows.delete(flow.key);
    this.#line.remove(flow);
    this.#counters.ended();
    flow.watch.close();
    closeSocket(flow.fd);
  }

  #scheduleExpiry(): void {
    this.#expiry ??= setTimeout(() => {
      this.#expiry = undefined;
      this.expire();
      if (this.#flows.size > 0) this.#scheduleExpiry();
    }, this.options.idleMilliseconds / 6);
  }
}
