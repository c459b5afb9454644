/** What the two threads say to each other. */
import type { RelaySettings } from '../relay.ts';
import type { Way } from '../socket-forward.ts';

/** What the engine's thread is born with. */
export interface Birth {
  /** In which it watches. The other thread begins and ends the watch of ports, and closes it when the thread has died. */
  readonly epoll: number;
  /** Rung when there is an order, or when it shall end. */
  readonly bell: number;
  /** One number: not 0 when it shall end. */
  readonly ending: SharedArrayBuffer;
  /** One number: not 0 since it listens, which wakes who waits for it. */
  readonly born: SharedArrayBuffer;
  /** @see ledger.ts */
  readonly ledger: SharedArrayBuffer;
  /** @see counter-table.ts */
  readonly counters: SharedArrayBuffer;
  readonly settings: RelaySettings;
}

/** By which ports are watched: their numbers stay taken as long as the thread knows of them. What it watches itself has other keys. */
export const portKey = 0;

/** A port is known by its descriptor, which is bound, and stays the other thread's to close. */
export type Order =
  /** Ports of the container, one for each descriptor. */
  | { readonly act: 'serve'; readonly way: Way; readonly fds: number[]; readonly ports: number[] }
  /** The descriptors stand for nothing any more. `cut`: nor do their clients. `withdraw`: they have some time left. */
  | { readonly act: 'cut' | 'withdraw'; readonly fds: number[] }
  /** Much has changed: memory that is not needed any more goes back. */
  | { readonly act: 'tidy' };

/** The last clients of cut or withdrawn ports have gone. */
export interface Report {
  readonly ended: readonly number[];
}
