/**
 * Counters of a published port.
 *
 * The worker's thread counts in memory that both threads share, and the switchboard reads it without a lock: there is one writer,
 * and the reader needs no exact moment. A number counts bytes exactly up to 9 PB.
 *
 * **Errors** have a cause outside of gangway: the container, the network, the client. **Drops** are clients or datagrams for which
 * the relay or the kernel had no room.
 */

/** Errors of connections; over UDP, ICMP errors of datagrams. */
export const errorKinds = [
  /** The container does not listen. */
  'refused',
  /** No route to the container, or a firewall rejects. */
  'unreachable',
  /** The container did not answer, or a peer has vanished. */
  'timedOut',
  /** The client reset the connection. */
  'clientReset',
  /** The container reset the connection. */
  'containerReset',
  /** accept(2) failed for want of descriptors or memory, and clients waited; or another program has the port. */
  'acceptFailed',
] as const;

export const dropReasons = [
  /** Clients without a descriptor: a connection that was reset, a datagram that was lost. */
  'turnedAway',
  /** Datagrams that the kernel did not send. */
  'unsent',
  /** Datagrams, or connections, that found the socket's queue full. */
  'overflowed',
  /** UDP flows that were removed for a new client. */
  'evicted',
] as const;

export type ErrorKind = (typeof errorKinds)[number];
export type DropReason = (typeof dropReasons)[number];

/** `open` is the present number; all others count since the port is served. A UDP connection is a flow. */
export const countFields = [
  'open',
  'connections',
  /** Payload to the container, and from the container. */
  'bytesIn',
  'bytesOut',
  /** UDP only. */
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

  /** @param place index of the first counter. Default: memory of their own */
  constructor(values: Float64Array<ArrayBufferLike> = new Float64Array(countFields.length), place = 0) {
    this.#values = values;
    this.#place = place;
  }

  get open(): number {
    return this.#get(at.open);
  }

  addOpened(): void {
    this.#add(at.open, 1);
    this.#add(at.connections, 1);
  }

  addClosed(): void {
    this.#add(at.open, -1);
  }

  /** All connections are lost. */
  resetOpen(): void {
    this.#add(at.open, -this.open);
  }

  /** Resets all counters for the next port. A counter of 0 is not written, so that unused pages take no memory. */
  clear(): void {
    for (const index of countFields.keys()) if (this.#get(index) !== 0) this.#values[this.#place + index] = 0;
  }

  addBytes(fromClient: boolean, bytes: number): void {
    this.#add(fromClient ? at.bytesIn : at.bytesOut, bytes);
  }

  addDatagrams(fromClient: boolean, count: number, bytes: number): void {
    this.addBytes(fromClient, bytes);
    this.#add(fromClient ? at.datagramsIn : at.datagramsOut, count);
  }

  addError(kind: ErrorKind, count = 1): void {
    this.#add(at[kind], count);
  }

  addDrop(reason: DropReason, count = 1): void {
    this.#add(at[reason], count);
  }

  /** Counts a flow that could not open, and whose first datagram is lost. */
  addFailedFlow(errno: string): void {
    if (shortages.has(errno)) this.addDrop('turnedAway');
    else this.addError('unreachable');
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
  // For ten thousand ports, Object.fromEntries takes ten times as long.
  const counts: Partial<Record<Field, number>> = {};
  for (const field of countFields) counts[field] = count(field);
  return counts as Counts;
}

const shortages = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'ENOBUFS', 'ENOSPC']);
const resets = new Set(['ECONNRESET', 'EPIPE', 'ENOTCONN', 'ECONNABORTED']);

/** Returns the kind of error that an errno of a connection's socket counts as. */
export function errorKindOf(errno: string, ofClient: boolean): ErrorKind {
  if (errno === 'ETIMEDOUT') return 'timedOut';
  if (ofClient) return 'clientReset';
  if (errno === 'ECONNREFUSED') return 'refused';
  return resets.has(errno) ? 'containerReset' : 'unreachable';
}
