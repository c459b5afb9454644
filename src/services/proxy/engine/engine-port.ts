/** A port that the engine carries, as the switchboard sees it. */
import { closeSocket, vacate } from '../../../sys/inet-socket.ts';
import type { Carrier, Relay } from '../forward.ts';
import { type SocketForward, targetsOf } from '../socket-forward.ts';
import { Counters } from './counters.ts';
import type { Order } from './orders.ts';

export class EnginePort implements Relay {
  readonly #counters = new Counters();
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
    this.#ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
  }

  get clients(): number {
    return this.#substitute?.clients ?? this.#counters.clients;
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
    this.#counters.clients = 0;
    return {
      act: 'serve',
      port: this.number,
      protocol: this.forward.binding.protocol,
      fd: this.fd,
      targets: targetsOf(this.forward),
      counters: this.#counters.memory,
    };
  }

  /** From here on somebody else carries it. */
  handOver(carrier: Carrier): void {
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
