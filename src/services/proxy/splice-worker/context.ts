/** Types that all parts of the worker's thread share. */
import type { StreamCalls } from '../../../sys/tcp-calls.ts';
import type { RelaySettings } from '../relay.ts';
import type { EventHandler, EventLoop } from './event-loop.ts';
import type { PipePool } from './pipe-pool.ts';
import type { FdRegistry } from './shared-tables.ts';

export interface WorkerContext {
  readonly loop: EventLoop;
  readonly descriptors: FdRegistry;
  readonly tcp: StreamCalls;
  readonly pipes: PipePool;
  readonly settings: RelaySettings;
}

/** A published port in the worker's thread. */
export interface Port extends EventHandler {
  /** Stops accepting and resets all connections. */
  abort(): void;
  /** Stops accepting; connections have some time to end. */
  drain(): void;
}
