/** What the two threads say to each other. */
import type { Protocol } from '../../../values/port.ts';
import type { RelaySettings } from '../forward.ts';
import type { Manner } from '../introduction.ts';
import type { Targets } from '../socket-forward.ts';

/** What the engine's thread is born with. */
export interface Birth {
  /** Rung when there is an order, or when it shall end. */
  readonly bell: number;
  /** One number: not 0 when it shall end. */
  readonly ending: SharedArrayBuffer;
  /** @see ledger.ts */
  readonly ledger: SharedArrayBuffer;
  readonly settings: RelaySettings;
}

/** Where a port leads, and how those who live there learn who asks. */
export interface Destination extends Manner {
  readonly targets: Targets;
}

export type Order =
  | {
      readonly act: 'serve';
      readonly port: number;
      readonly protocol: Protocol;
      /** Bound, and it stays the other thread's to close. */
      readonly fd: number;
      readonly destination: Destination;
      readonly counters: SharedArrayBuffer;
    }
  /** The descriptor stands for nothing any more. `cut`: nor do its clients. `withdraw`: they have some time left. */
  | { readonly act: 'cut' | 'withdraw'; readonly port: number };

/** The last client of a cut or withdrawn port has gone. */
export interface Report {
  readonly ended: number;
}
