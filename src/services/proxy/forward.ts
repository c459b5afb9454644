/** What the proxy is asked to do, as values: one published port and where it leads. */
import type { Address } from '../../values/address.ts';
import type { PortBinding } from '../../values/port.ts';

/** Clients of `binding`'s host address and port reach `target` at `binding`'s container port. */
export interface Forward {
  readonly binding: PortBinding;
  /** The container's address. Its family may differ from the host address's: `[::]:8080` may lead to 172.17.0.2. */
  readonly target: Address;
}

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
  /** Takes no further clients, at once; resolves when those that were served have been, or were cut off. */
  withdraw(): Promise<void>;
}
