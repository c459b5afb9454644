/** What a relay is, whatever it carries. */

import type { Counts } from './counters.ts';
import type { SocketForward } from './socket-forward.ts';

/** What every relay is told by the process that it works in. Plain data: another thread is told the same. */
export interface RelaySettings {
  /**
   * Clients whose descriptor would be this one or a higher one are turned away. The kernel always gives the lowest that
   * is free, so what lies above is kept for other work: for being told to withdraw, above all.
   */
  readonly descriptorLimit: number;
  /** How often a connection to a container that does not answer is tried again: after 1 s, 2 s, 4 s and so on. */
  readonly synRetries: number;
  /** How long connections may take to end by themselves after their port was withdrawn. */
  readonly drainMilliseconds: number;
  /** When a silent UDP flow is forgotten, and how many of them a port may have. */
  readonly idleMilliseconds: number;
  readonly flowLimit: number;
}

export type RelayOptions = Partial<RelaySettings>;

/** A container that does not answer is given up after 31 s. */
export const ordinarySettings: RelaySettings = {
  descriptorLimit: Number.POSITIVE_INFINITY,
  synRetries: 4,
  drainMilliseconds: 10_000,
  idleMilliseconds: 90_000,
  flowLimit: 1024,
};

/** A published port at work. */
export interface Relay {
  readonly forward: SocketForward;
  /** Clients that are being served: connections of TCP, client addresses of UDP that were heard of lately. */
  readonly clients: number;
  /** What it has carried since it was served. To be asked while it is. */
  counts(): Counts;
  /** For a port that is taken away, or leads elsewhere: takes no further clients, and breaks off whoever is connected. */
  cut(): Promise<void>;
  /** For a container that has gone: takes no further clients, and who has not left after ten seconds is broken off. */
  withdraw(): Promise<void>;
}

/** Who makes relays: the engine, or Node's own sockets. */
export interface Carrier {
  /**
   * @param fd a bound socket, over TCP a listening one, which is the relay's from now on, also if this throws
   * @throws Error if there can be no relay
   */
  serve(fd: number, forward: SocketForward): Relay;
  /** Threads of its own give memory back that they no longer need. */
  tidy(): void;
}
