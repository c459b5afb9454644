/** What the model follows through the machine. */
import type { Address } from '../../values/address.ts';
import type { Spoken } from '../../values/egress.ts';
import type { Port } from '../../values/port.ts';
import type { WayStep } from './answer.ts';

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
