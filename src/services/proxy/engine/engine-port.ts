/** A port that the engine carries, as the switchboard sees it. */
import { closeSocket, dropped, vacate } from '../../../sys/inet-socket.ts';
import { present } from '../../../values/present.ts';
import { Counters, type Counts, sumOfCounts } from '../counters.ts';
import type { Carrier, Relay } from '../forward.ts';
import { type SocketForward, targetsOf } from '../socket-forward.ts';
import type { Order } from './orders.ts';

export class EnginePort implements Relay {
  readonly #counters = new Counters();
  readonly #droppedBefore: number;
  readonly #ended: Promise<void>;
  #resolveEnded: () => void = () => {};
  #leaving = false;
  #substitute: Relay | undefined;

  /**
   * @param number by which both threads know it
   * @param fd bound and, over TCP, listening; closed here alone
   * @param give takes orders for the engine's thread
   */
  constructor(
    readonly number: number,
    readonly fd: number,
    readonly forward: SocketForward,
    readonly give: (order: Order) => void,
  ) {
    this.#droppedBefore = dropped(fd);
    this.#ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
  }

  get clients(): number {
    return this.#substitute?.clients ?? this.#counters.open;
  }

  counts(): Counts {
    const own = this.#counters.read();
    if (this.#substitute !== undefined) return sumOfCounts([own, this.#substitute.counts()]);
    return { ...own, overflowed: dropped(this.fd) - this.#droppedBefore };
  }

  /** Its descriptor is vacated, and closed when nobody is served any more. */
  get leaving(): boolean {
    return this.#leaving;
  }

  cut(): Promise<void> {
    return this.#substitute?.cut() ?? this.#leave('cut');
  }

  withdraw(): Promise<void> {
    return this.#substitute?.withdraw() ?? this.#leave('withdraw');
  }

  /** What its thread has to know; a new thread starts with nobody connected. */
  order(): Order {
    this.#counters.deserted();
    return {
      act: 'serve',
      port: this.number,
      protocol: this.forward.binding.protocol,
      fd: this.fd,
      destination: {
        targets: targetsOf(this.forward),
        ...present({ clientAddress: this.forward.binding.clientAddress, near: this.forward.near }),
      },
      counters: this.#counters.memory,
    };
  }

  /** From here on somebody else carries it. */
  handOver(carrier: Carrier): void {
    this.#counters.deserted();
    this.#substitute = carrier.serve(this.fd, this.forward);
  }

  /** Nobody is served any more. */
  close(): void {
    closeSocket(this.fd);
    this.#resolveEnded();
  }

  #leave(act: 'cut' | 'withdraw'): Promise<void> {
    this.#leaving = true;
    vacate(this.fd);
    this.give({ act, port: this.number });
    return this.#ended;
  }
}
