/** What a relay is, whatever it carries. */

/** What every relay is told by the process that it works in. */
export interface RelayOptions {
  /**
   * Clients whose descriptor would be this one or a higher one are turned away. The kernel always gives the lowest that
   * is free, so what lies above is kept for other work: for being told to withdraw, above all. Default: no limit.
   */
  readonly descriptorLimit?: number;
}

/** A published port at work. */
export interface Relay {
  /** Clients that are being served: connections of TCP, client addresses of UDP that were heard of lately. */
  readonly clients: number;
  /** For a port that is taken away, or leads elsewhere: takes no further clients, and breaks off whoever is connected. */
  cut(): Promise<void>;
  /** For a container that has gone: takes no further clients, and who has not left after ten seconds is broken off. */
  withdraw(): Promise<void>;
}
