/** What all ports of the engine's thread share. */
import type { StreamCalls } from '../../../sys/stream-calls.ts';
import type { RelaySettings } from '../forward.ts';
import type { Descriptors } from './descriptors.ts';
import type { Loop } from './loop.ts';
import type { PipePool } from './pipe-pool.ts';

export interface Means {
  readonly loop: Loop;
  readonly descriptors: Descriptors;
  readonly streams: StreamCalls;
  readonly pipes: PipePool;
  readonly settings: RelaySettings;
}
