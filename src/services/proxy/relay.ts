/** A published port's relay as the switchboard sees it, and the settings that all relays share. */
import type { Counts } from './counters.ts';
import type { SocketForward } from './socket-forward.ts';

/** Settings of all relays of a process. Plain data: the worker's thread gets a copy. */
export interface RelaySettings {
  /**
   * Clients whose descriptor would reach this number are reset. The kernel always assigns the lowest free number, so
   * the numbers above stay available for other work, such as the requests of gangway's commands.
   */
  readonly descriptorLimit: number;
  /** Retries of a connection to a container that does not answer: after 1 s, 2 s, 4 s and so on. */
  readonly synRetries: number;
  /** Time that open connections have to end after `drain`. */
  readonly drainMilliseconds: number;
  /** Idle time after which a UDP flow is removed. */
  readonly idleMilliseconds: number;
  /** Most UDP flows of one port. */
  readonly flowLimit: number;
}

export type RelayOptions = Partial<RelaySettings>;

/** With four retries, a connection to a container that does not answer fails after 31 s. */
export const defaultSettings: RelaySettings = {
  descriptorLimit: Number.POSITIVE_INFINITY,
  synRetries: 4,
  drainMilliseconds: 10_000,
  idleMilliseconds: 90_000,
  flowLimit: 1024,
};

/** A published port that is served. */
export interface Relay {
  readonly forward: SocketForward;
  /** Open TCP or SCTP connections, or UDP flows. */
  readonly clients: number;
  /** Returns the port's counters since it is served. Valid until the port is closed. */
  counts(): Counts;
  /** Closes the port and resets its connections: for a port that is unpublished or gets another target. */
  abort(): Promise<void>;
  /** Closes the port; open connections have `drainMilliseconds` to end: for a container that has exited. */
  drain(): Promise<void>;
}
