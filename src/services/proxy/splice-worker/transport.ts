/** What a protocol with connections does in its own way: how one to the container is begun, and how what comes is carried. */
import { MessageCalls } from '../../../sys/sctp-calls.ts';
import type { Counters } from '../counters.ts';
import { Direction, type Way } from './direction.ts';
import type { Side } from './endpoint.ts';
import { MessageDirection } from './sctp-direction.ts';
import type { Means } from './shared.ts';

export interface Transport {
  /** @param client whom it is to carry on. @returns a socket for a connection to `name`, or the negative errno */
  open(name: Uint8Array, client: number): number;
  /** Begins it. @returns 0, or the negative errno */
  connect(fd: number, address: number, length: number): number;
  /** @param first what `to` gets before anything else */
  carry(from: Side, to: Side, inward: boolean, counters: Counters, first?: Buffer): Way;
}

export function overTcp(means: Means): Transport {
  const { streams } = means;
  return {
    open: (name) => streams.open(name),
    connect: (fd, address, length) => streams.connect(fd, address, length),
    carry: (from, to, inward, counters, first) => new Direction(from, to, inward, means, counters, first),
  };
}

/** Nothing comes first there: no header is known for it. */
export function overSctp({ settings }: Means): Transport {
  const calls = new MessageCalls(settings.synRetries);
  return {
    open: (name, client) => calls.open(name, client),
    connect: (fd, address, length) => calls.connect(fd, address, length),
    carry: (from, to, inward, counters) => new MessageDirection(from, to, inward, calls, counters),
  };
}
