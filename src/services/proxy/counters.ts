/**
 * What a port has carried, counted by whoever carries it.
 *
 * The engine counts in memory that both threads see, and the switchboard reads it: neither waits for the other. One thread
 * writes and the other wants no exact moment, so nothing is locked. A number keeps bytes exactly up to 9 PB.
 *
 * **Errors** are what others did: the container, the network, the client. **Drops** are what there was no room for here.
 */

/** What became of connections; over UDP, what was heard of datagrams. */
export const errorKinds = [
  /** Nobody listens in the container. */
  'refused',
  /** No way to it, or a firewall in between. */
  'unreachable',
  /** It did not answer, or one of the two has vanished. */
  'timedOut',
  /** Broken off by the client. */
  'clientReset',
  /** Broken off by the container. */
  'containerReset',
  /** Times that no client could be accepted: for want of descriptors or memory, and who came then waited; or the port was lost. */
  'acceptFailed',
] as const;

export const dropReasons = [
  /** Clients for whom there was no descriptor: a connection that was reset, a datagram that got lost. */
  'turnedAway',
  /** Datagrams that the kernel did not take. */
  'unsent',
  /** Datagrams, or connections, for which the listener's queue had no room. */
  'overflowed',
  /** UDP flows that were silent longest, and made room for others. */
  'evicted',
] as const;

export type ErrorKind = (typeof errorKinds)[number];
export type DropReason = (typeof dropReasons)[number];

/** `open` is of the moment; all others have been counted since the port was served. A connection of UDP is a flow. */
export const countFields = [
  'open',
  'connections',
  /** Payload from clients to the container, and back. */
  'bytesIn',
  'bytesOut',
  /** Of UDP alone. */
  'datagramsIn',
  'datagramsOut',
  ...errorKinds,
  ...dropReasons,
] as const;

type Field = (typeof countFields)[number];

export type Counts = Readonly<Record<Field, number>>;

const at = Object.fromEntries(countFields.map((field, index) => [field, index])) as Readonly<Record<Field, number>>;

export class Counters {
  readonly #values: Float64Array<ArrayBufferLike>;
  readonly #place: number;

  /** @param place where its first one is. Default: in memory of their own */
  constructor(values: Float64Array<ArrayBufferLike> = new Float64Array(countFields.length), place = 0) {
    this.#values = values;
    this.#place = place;
  }

  get open(): number {
    return this.#get(at.open);
  }

  began(): void {
    this.#add(at.open, 1);
    this.#add(at.connections, 1);
  }

  ended(): void {
    this.#add(at.open, -1);
  }

  /** Nobody is connected any more, of whom nobody has told. */
  deserted(): void {
    this.#add(at.open, -this.open);
  }

  /** They are another port's from now on. Where nothing was counted nothing is written, and a page stays untouched. */
  clear(): void {
    for (const index of countFields.keys()) if (this.#get(index) !== 0) this.#values[this.#place + index] = 0;
  }

  carried(fromClient: boolean, bytes: number): void {
    this.#add(fromClient ? at.bytesIn : at.bytesOut, bytes);
  }

  carriedDatagrams(fromClient: boolean, count: number, bytes: number): void {
    this.carried(fromClient, bytes);
    this.#add(fromClient ? at.datagramsIn : at.datagramsOut, count);
  }

  failed(kind: ErrorKind, count = 1): void {
    this.#add(at[kind], count);
  }

  dropped(reason: DropReason, count = 1): void {
    this.#add(at[reason], count);
  }

  /** A flow that could not begin, by this errno: its first datagram is lost. */
  notBegun(errno: string): void {
    if (shortages.has(errno)) this.dropped('turnedAway');
    else this.failed('unreachable');
  }

  read(): Counts {
    return countsOf((field) => this.#get(at[field]));
  }

  #get(index: number): number {
    return this.#values[this.#place + index] ?? 0;
  }

  #add(index: number, amount: number): void {
    this.#values[this.#place + index] = this.#get(index) + amount;
  }
}

export function sumOfCounts(all: readonly Counts[]): Counts {
  const [first] = all;
  if (first !== undefined && all.length === 1) return first;
  return countsOf((field) => all.reduce((sum, counts) => sum + counts[field], 0));
}

function countsOf(count: (field: Field) => number): Counts {
  // Of ten thousand ports at once: entries that become an object take ten times as long.
  const counts: Partial<Record<Field, number>> = {};
  for (const field of countFields) counts[field] = count(field);
  return counts as Counts;
}

const shortages = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'ENOBUFS', 'ENOSPC']);
const resets = new Set(['ECONNRESET', 'EPIPE', 'ENOTCONN', 'ECONNABORTED']);

/** What it means that a connection's socket failed with this errno, as it were `ECONNREFUSED`. */
export function errorKindOf(errno: string, ofClient: boolean): ErrorKind {
  if (errno === 'ETIMEDOUT') return 'timedOut';
  if (ofClient) return 'clientReset';
  if (errno === 'ECONNREFUSED') return 'refused';
  return resets.has(errno) ? 'containerReset' : 'unreachable';
}
