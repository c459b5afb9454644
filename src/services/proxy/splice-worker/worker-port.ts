/** A published port in the switchboard's thread. The descriptor identifies the port in both threads. */
import { closeSocket, dropped, vacate } from '../../../sys/inet-socket.ts';
import type { Counts } from '../counters.ts';
import type { Relay } from '../relay.ts';
import type { SocketForward } from '../socket-forward.ts';
import type { CounterTable } from './shared-tables.ts';

export interface PortHost {
  readonly counters: CounterTable;
  /** Ends the watch of this descriptor. Must precede `vacate`. */
  unwatch(fd: number): void;
  stop(act: 'abort' | 'drain', fd: number): void;
}

export class WorkerPort implements Relay {
  readonly #droppedBefore: number;
  #isClosed = false;
  #ended: Promise<void> | undefined;
  #resolveEnded = () => {};

  /** @param fd a bound socket, over TCP and SCTP a listening one. Only this class closes it */
  constructor(
    readonly fd: number,
    readonly forward: SocketForward,
    readonly host: PortHost,
  ) {
    this.#droppedBefore = dropped(fd);
  }

  get clients(): number {
    return this.#counters.open;
  }

  counts(): Counts {
    return { ...this.#counters.read(), overflowed: dropped(this.fd) - this.#droppedBefore };
  }

  /** True from `abort` or `drain` on. The descriptor is vacated then, and closed when the last connection has ended. */
  get isClosing(): boolean {
    return this.#ended !== undefined;
  }

  abort(): Promise<void> {
    return this.#stop('abort');
  }

  drain(): Promise<void> {
    return this.#stop('drain');
  }

  /** The thread that relayed the connections has died. */
  forgetClients(): void {
    this.#counters.resetOpen();
  }

  /** No connection is left. */
  close(): void {
    this.#isClosed = true;
    this.#counters.clear();
    closeSocket(this.fd);
    this.#resolveEnded();
  }

  get #counters() {
    return this.host.counters.of(this.fd);
  }

  #stop(act: 'abort' | 'drain'): Promise<void> {
    this.#ended ??= new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    if (!this.#isClosed) {
      this.host.unwatch(this.fd);
      vacate(this.fd);
      this.host.stop(act, this.fd);
    }
    return this.#ended;
  }
}
