/** What becomes of a packet, and why: the words in which the model answers. */
import { type Address, formatAddress, formatHost } from '../../values/address.ts';
import type { Spoken } from '../../values/egress.ts';
import type { Port } from '../../values/port.ts';
import { formatPort } from '../../values/port-grammar.ts';

/** The fact that decides. */
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

/** A place on a packet's way, by its name in the ruleset or in the kernel, and what happens there. */
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
  /** The source address that is seen there. */
  readonly seen: Address;
  readonly way: readonly WayStep[];
}

export interface Dropped {
  readonly outcome: 'dropped';
  readonly reason: Reason;
  readonly way: readonly WayStep[];
}

/** Whether somebody listens there is not the firewall's business. */
export type Destination =
  | { readonly kind: 'container'; readonly container: string; readonly address: Address; readonly port?: Port }
  /** A process of the machine, none of gangway's. */
  | { readonly kind: 'host'; readonly address: Address; readonly port?: Port }
  | { readonly kind: 'outside'; readonly link: string; readonly address: Address; readonly port?: Port };

export function dropped(decision: Decision, sentence: string, way: readonly WayStep[]): Dropped {
  return { outcome: 'dropped', reason: { decision, sentence }, way };
}

/** `172.17.0.2:80/tcp`, or the address alone. */
export function formatDestination(address: Address, port: Port | undefined): string {
  return port === undefined ? formatAddress(address) : `${formatHost(address)}:${formatPort(port)}`;
}

/** A packet on its way through the machine. */
export interface Packet {
  readonly source: Address;
  readonly to: Address;
  readonly port: Port | undefined;
  /** Given by a rule of the machine's owner; 0 where nobody has. */
  readonly mark: number;
  /** Where it came in; undefined for what a process of the machine sends. */
  readonly inLink: string | undefined;
  /** It asked for a published port, and its destination is the container's now. */
  readonly translated: boolean;
  /** What it asked for, before that. */
  readonly asked?: Spoken;
  readonly way: readonly WayStep[];
}
