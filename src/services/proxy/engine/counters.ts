/**
 * What a port has carried, in memory that both threads see: the engine counts, the switchboard reads.
 *
 * One thread writes and the other wants no exact moment, so nothing is locked. A number keeps bytes exactly up to 9 PB.
 */
const fields = ['clients', 'connections', 'bytesIn', 'bytesOut', 'errors', 'drops'] as const;

type Field = (typeof fields)[number];

/** `clients` are those of the moment; all others have been counted since the port was served. */
export interface Counts extends Readonly<Record<Field, number>> {
  /** Connections, or UDP flows, that were begun. */
  readonly connections: number;
  /** Payload from clients to the container, and back. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Connections that were broken off, or that the container refused. */
  readonly errors: number;
  /** Clients that were turned away and datagrams that got lost, because there was no room. */
  readonly drops: number;
}

export class Counters {
  readonly #values: Float64Array;

  constructor(readonly memory: SharedArrayBuffer = new SharedArrayBuffer(8 * fields.length)) {
    this.#values = new Float64Array(memory);
  }

  get clients(): number {
    return this.#values[0] ?? 0;
  }

  set clients(count: number) {
    this.#values[0] = count;
  }

  began(): void {
    this.#add(0, 1);
    this.#add(1, 1);
  }

  ended(): void {
    this.#add(0, -1);
  }

  carried(fromClient: boolean, bytes: number): void {
    this.#add(fromClient ? 2 : 3, bytes);
  }

  failed(): void {
    this.#add(4, 1);
  }

  dropped(count: number): void {
    this.#add(5, count);
  }

  read(): Counts {
    return Object.fromEntries(fields.map((field, index) => [field, this.#values[index] ?? 0])) as unknown as Counts;
  }

  #add(index: number, amount: number): void {
    this.#values[index] = (this.#values[index] ?? 0) + amount;
  }
}
