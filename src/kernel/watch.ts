/**
 * Watching a network namespace: links, addresses and flows, as they come and go.
 *
 *     ip monitor link address & conntrack -E
 */
import { type EventStream, groups, loadEvents } from '../netlink/events.ts';
import type { RawMessage } from '../netlink/message.ts';
import { type AddressEvent, readAddressEvent } from './address.ts';
import { type FlowEvent, readFlowEvent } from './connection-tracking.ts';
import { type LinkEvent, readLinkEvent } from './link.ts';
import type { KernelNamespace } from './namespace.ts';

export type NetworkEvent = LinkEvent | AddressEvent | FlowEvent;

/** Events of a namespace, from the moment at which this resolves. Ending the loop ends the watch. */
export interface Watch extends AsyncIterable<NetworkEvent> {
  close(): void;
}

/**
 * Begins to watch.
 *
 * Flows are told only while the kernel tracks connections in this namespace: from the first rule that needs it.
 */
export async function watchNetwork(namespace: KernelNamespace): Promise<Watch> {
  const open = await loadEvents();
  const streams: EventStream[] = [];
  const close = () => {
    for (const stream of streams) stream.close();
  };
  try {
    namespace.inside(() => {
      streams.push(open('route', Object.values(groups.route)));
      streams.push(open('netfilter', Object.values(groups.netfilter)));
    });
  } catch (error) {
    close();
    throw error;
  }
  return { close, [Symbol.asyncIterator]: () => decode(merge(streams), close) };
}

async function* decode(
  messages: AsyncIterable<RawMessage>,
  close: () => void,
): AsyncGenerator<NetworkEvent, void, undefined> {
  try {
    for await (const message of messages) {
      const event = readLinkEvent(message) ?? readAddressEvent(message) ?? readFlowEvent(message);
      if (event !== undefined) yield event;
    }
  } finally {
    close();
  }
}

/** Several streams as one, each message as soon as it comes. */
async function* merge<T>(streams: readonly AsyncIterable<T>[]): AsyncGenerator<T, void, undefined> {
  const iterators = streams.map((stream) => stream[Symbol.asyncIterator]());
  const waiting = new Map(iterators.map((iterator) => [iterator, next(iterator)]));
  while (waiting.size > 0) {
    const { iterator, result } = await Promise.race(waiting.values());
    if (result.done === true) {
      waiting.delete(iterator);
      continue;
    }
    waiting.set(iterator, next(iterator));
    yield result.value;
  }
}

async function next<T>(
  iterator: AsyncIterator<T>,
): Promise<{ readonly iterator: AsyncIterator<T>; readonly result: IteratorResult<T> }> {
  return { iterator, result: await iterator.next() };
}
