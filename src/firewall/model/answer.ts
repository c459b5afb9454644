/** Packets and answers of the model. */
import { type Address, formatAddress, formatHost } from '../../values/address.ts';
import type { Spoken } from '../../values/egress.ts';
import type { Port } from '../../values/port.ts';
import { formatPort } from '../../values/port-grammar.ts';

export type Decision =
  | 'internal'
  | 'isolated'
  | 'other-address'
  | 'not-published'
  | 'apart'
  | 'claim'
  | 'egress'
  | 'transit'
  | 'loopback'
  | 'own-source'
  | 'no-family'
  | 'no-way'
  | 'nobody';

export interface Reason {
  readonly decision: Decision;
  /** One sentence, lower case, without a final stop. */
  readonly sentence: string;
}

/** A stage of a packet's path, by its name in the ruleset or the kernel, with what happens there. */
export interface WayStep {
  readonly at:
    | 'bridge'
    | 'from_outside'
    | 'from_host'
    | 'routing'
    | 'siblings'
    | 'leave'
    | 'enter'
    | 'transit'
    | 'host_guard'
    | 'switchboard'
    | 'masks';
  readonly sentence: string;
}

export type Answer = Reached | Dropped;

export interface Reached {
  readonly outcome: 'reached';
  readonly where: Destination;
  /** The source address at the destination. */
  readonly seen: Address;
  readonly way: readonly WayStep[];
}

export interface Dropped {
  readonly outcome: 'dropped';
  readonly reason: Reason;
  readonly way: readonly WayStep[];
}

/** The model does not know whether a process listens there. */
export type Destination =
  | { readonly kind: 'container'; readonly container: string; readonly address: Address; readonly port?: Port }
  /** A process of the host, not gangway's proxy. */
  | { readonly kind: 'host'; readonly address: Address; readonly port?: Port }
  | { readonly kind: 'outside'; readonly link: string; readonly address: Address; readonly port?: Port };

export function dropped(decision: Decision, sentence: string, way: readonly WayStep[]): Dropped {
  return { outcome: 'dropped', reason: { decision, sentence }, way };
}

/** `172.17.0.2:80/tcp`, or the address alone. */
export function formatDestination(address: Address, port: Port | undefined): string {
  return port === undefined ? formatAddress(address) : `${formatHost(address)}:${formatPort(port)}`;
}

export interface Packet {
  readonly source: Address;
  readonly to: Address;
  readonly port: Port | undefined;
  /** Set by a user rule; 0 without one. */
  readonly mark: number;
  /** Undefined for a packet that the host sends. */
  readonly inLink: string | undefined;
  /** Has DNAT replaced its destination by the container's? */
  readonly translated: boolean;
  /** The destination before translation. */
  readonly asked?: Spoken;
  readonly way: readonly WayStep[];
}
