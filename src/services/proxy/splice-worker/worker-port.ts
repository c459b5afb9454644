/** A port that the engine carries, as the switchboard sees it: by its descriptor, which both threads know it by. */
import { closeSocket, dropped, vacate } from '../../../sys/inet-socket.ts';
import { Counters, type Counts, sumOfCounts } from '../counters.ts';
import type { Carrier, Relay } from '../relay.ts';
import type { SocketForward } from '../socket-forward.ts';
import type { CounterTable } from './counter-table.ts';

/** What ports need of the engine. */
export interface Desk {
  readonly counters: CounterTable;
  /** The thread hears of this descriptor no more. To be called as long as it stands for its socket. */
  unwatch(fd: number): void;
  leave(act: 'cut' | 'withdraw', fd: number): void;
}

interface Departure {
  readonly ended: Promise<void>;
  readonly end: () => void;
}

export class EnginePort implements Relay {
  readonly #droppedBefore: number;
  #departure: Departure | undefined;
  #substitute: Relay | undefined;

  /** @param fd bound and, over TCP, listening; closed here alone */
  constructor(
    readonly fd: number,
    readonly forward: SocketForward,
    readonly desk: Desk,
  ) {
    this.#droppedBefore = dropped(fd);
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
    return this.#departure !== undefined;
  }

  cut(): Promise<void> {
    return this.#substitute?.cut() ?? this.#leave('cut');
  }

  withdraw(): Promise<void> {
    return this.#substitute?.withdraw() ?? this.#leave('withdraw');
  }

  /** Those who carried it have died. */
  deserted(): void {
    this.#counters.deserted();
  }

  /** From here on somebody else carries it. @throws Error if nobody can: then it has no socket any more */
  handOver(carrier: Carrier): void {
    this.#substitute = lost(this.forward);
    this.#substitute = carrier.serve(this.fd, this.forward);
  }

  /** Nobody is served any more. */
  close(): void {
    this.#counters.clear();
    closeSocket(this.fd);
    this.#departure?.end();
  }

  get #counters() {
    return this.desk.counters.of(this.fd);
  }

  #leave(act: 'cut' | 'withdraw'): Promise<void> {
    this.#departure ??= departure();
    this.desk.unwatch(this.fd);
    vacate(this.fd);
    this.desk.leave(act, this.fd);
    return this.#departure.ended;
  }
}

/** A port whose descriptor is closed, and may be somebody else's by now. */
function lost(forward: SocketForward): Relay {
  const end = () => Promise.resolve();
  return { forward, clients: 0, counts: () => new Counters().read(), cut: end, withdraw: end };
}

function departure(): Departure {
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { ended, end: () => end() };
}
