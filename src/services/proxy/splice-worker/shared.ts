/** What all ports of the engine's thread share. */
import type { StreamCalls } from '../../../sys/tcp-calls.ts';
import type { RelaySettings } from '../relay.ts';
import type { Descriptors } from './descriptors.ts';
import type { Loop } from './event-loop.ts';
import type { PipePool } from './pipe-pool.ts';

export interface Means {
  readonly loop: Loop;
  readonly descriptors: Descriptors;
  readonly streams: StreamCalls;
  readonly pipes: PipePool;
  readonly settings: RelaySettings;
}
