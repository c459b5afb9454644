/** Messages between the thread of the switchboard and the worker's thread. */
import type { RelaySettings } from '../relay.ts';
import type { ForwardGroup } from '../socket-forward.ts';

/** What the worker's thread gets at its start. */
export interface ThreadData {
  /** The epoll instance of the thread. The other thread adds and removes published ports, and closes it when the thread has died. */
  readonly epoll: number;
  /** An eventfd that wakes the thread for a command, and for its end. */
  readonly wakeup: number;
  /** One number: not 0 when the thread has to end. */
  readonly stopped: SharedArrayBuffer;
  /** One number: not 0 as soon as the thread waits for events. */
  readonly started: SharedArrayBuffer;
  /** Memory of the FdRegistry. */
  readonly registry: SharedArrayBuffer;
  /** Memory of the CounterTable. */
  readonly counters: SharedArrayBuffer;
  readonly settings: RelaySettings;
}

/** Ports are known by their descriptors, which only the switchboard's thread opens and closes. */
export type Command =
  /** Serve these descriptors, each with the container port at the same index. */
  | { readonly act: 'serve'; readonly group: ForwardGroup; readonly fds: number[]; readonly ports: number[] }
  /** Stop serving these descriptors, which are vacated already. */
  | { readonly act: 'abort' | 'drain'; readonly fds: number[] }
  | { readonly act: 'trim-memory' };

/** Stopped ports whose last connections have ended. */
export interface Report {
  readonly ended: readonly number[];
}
