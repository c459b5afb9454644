/**
 * A published port of TCP or SCTP in the engine: takes clients in, and lets them go.
 *
 * Theory of operation. A client that can't be served is turned away with RST, or ABORT: where descriptors ran out, where the container
 * can't be reached. When accepting itself fails for want of descriptors or memory, the client waits in the kernel's queue, and
 * the listener is not looked at for a moment: to be told of it again and again would keep the loop from those who are served.
 *
 * A listener that was destroyed listens again, as soon as the loop is told. Where another program has taken its port in that
 * moment, it goes on trying.
 */

import { edge, readable } from '../../../sys/epoll.ts';
import { appearAs, isListening } from '../../../sys/inet-socket.ts';
import { errnoName } from '../../../sys/libc.ts';
import { listenAgain } from '../../../sys/reopen-listener.ts';
import { EAGAIN, ECONNABORTED, EINTR, EOPNOTSUPP } from '../../../sys/system-calls.ts';
import type { Family } from '../../../values/address.ts';
import { KernelError } from '../../../values/errors.ts';
import { returningMark } from '../../../values/firewall-mark.ts';
import { type Introduction, introduction } from '../client-address.ts';
import { type Counters, errorKindOf } from '../counters.ts';
import { type Destination, targetOf } from '../socket-forward.ts';
import { Connection, type ConnectionOwner } from './connection.ts';
import type { Timer } from './event-loop.ts';
import type { Port } from './idle-port.ts';
import type { Means } from './shared.ts';
import { type SocketName, socketName } from './socket-name.ts';
import type { Transport } from './transport.ts';

/** Clients that are taken in before others get their turn. */
const turn = 16;

const pauseMilliseconds = 100;

/** Of one client, or of nobody. (The last one: the descriptor was vacated, and an order is under way.) */
const passing = new Set([EAGAIN, EINTR, ECONNABORTED, EOPNOTSUPP]);

export class StreamPort implements Port, ConnectionOwner {
  readonly #connections = new Set<Connection>();
  readonly #names: Partial<Record<Family, SocketName>> = {};
  #pause: Timer | undefined;
  #drain: Timer | undefined;
  #leaving = false;

  /** @param onEnded called when it is withdrawn or cut, and the last client has gone */
  constructor(
    readonly fd: number,
    readonly destination: Destination,
    readonly counters: Counters,
    readonly means: Means,
    readonly transport: Transport,
    readonly onEnded: () => void,
  ) {}

  ready(): void {
    // To try once more wakes who watches.
    if (this.#pause !== undefined) return;
    for (let count = 0; count < turn; count++) {
      const client = this.means.streams.accept(this.fd);
      if (client < 0) {
        if (!passing.has(-client) && !this.#listensAgain()) this.#rest();
        return;
      }
      this.#welcome(client);
    }
  }

  withdraw(): void {
    this.#leave();
    if (this.#connections.size === 0) return;
    this.#drain = this.means.loop.after(this.means.settings.drainMilliseconds, () => this.cut());
  }

  cut(): void {
    this.#leave();
    for (const connection of this.#connections) connection.abort();
  }

  left(connection: Connection): void {
    this.#connections.delete(connection);
    this.counters.ended();
    this.#endIfEmpty();
  }

  #welcome(client: number): void {
    const { descriptors, streams } = this.means;
    descriptors.own(client);
    const { family } = streams;
    const target = this.#nameOf(family);
    const backend = descriptors.allow(client) ? this.transport.open(target.bytes, client) : -1;
    if (backend >= 0) descriptors.own(backend);
    const how = introduction(client, this.destination.way, this.destination.way.targets[family]);
    if (how !== undefined && backend >= 0 && descriptors.allow(backend)) {
      this.#carry(client, backend, target, how);
      return;
    }
    if (how === undefined) this.counters.failed('clientReset');
    else this.counters.dropped('turnedAway');
    if (backend >= 0) descriptors.close(backend);
    streams.abortOnClose(client);
    descriptors.close(client);
  }

  #nameOf(family: Family): SocketName {
    const name = this.#names[family] ?? socketName(targetOf(this.destination, family));
    this.#names[family] = name;
    return name;
  }

  #carry(client: number, backend: number, target: SocketName, { first, source }: Introduction): void {
    const connection = new Connection(client, backend, this.means, this, first);
    this.#connections.add(connection);
    this.counters.began();
    const unnamed = source && refusal(() => appearAs(backend, source, returningMark));
    const errno = unnamed ?? this.#connect(backend, target);
    if (errno !== undefined) this.counters.failed(errorKindOf(errno, false));
    else if (refusal(() => connection.watch()) === undefined) return;
    else this.counters.dropped('turnedAway');
    connection.abort();
  }

  #connect(backend: number, { address, bytes }: SocketName): string | undefined {
    const begun = this.transport.connect(backend, address, bytes.length);
    return begun < 0 ? errnoName(-begun) : undefined;
  }

  /** Had it been destroyed, and does it listen now? */
  #listensAgain(): boolean {
    return !isListening(this.fd) && refusal(() => listenAgain(this.fd)) === undefined;
  }

  /** Errors are events that can't be asked not to come, and a listener that was destroyed has some: by edge, they come once. */
  #rest(): void {
    this.counters.failed('acceptFailed');
    this.means.loop.change(this.fd, edge);
    this.#pause = this.means.loop.after(pauseMilliseconds, () => {
      this.#pause = undefined;
      this.means.loop.change(this.fd, readable);
    });
  }

  #leave(): void {
    if (this.#pause !== undefined) this.means.loop.cancel(this.#pause);
    this.means.loop.forget(this.fd);
    this.#leaving = true;
    this.#endIfEmpty();
  }

  #endIfEmpty(): void {
    if (!this.#leaving || this.#connections.size > 0) return;
    if (this.#drain !== undefined) this.means.loop.cancel(this.#drain);
    this.onEnded();
  }
}

/** @returns why the kernel doesn't do it */
function refusal(action: () => void): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    if (error instanceof KernelError) return error.errno;
    throw error;
  }
}
