/**
 * Watching a network namespace: links, addresses, routes and flows, as they come and go.
 *
 *     ip monitor link address route & conntrack -E
 */
import { EventStream, groups, openEvents, type Source } from '../netlink/events.ts';
import type { RawMessage } from '../netlink/message.ts';
import { type Address, sameAddress } from '../values/address.ts';
import { type AddressEvent, readAddressEvent } from './address.ts';
import { type FlowEvent, readFlowEvent } from './conntrack.ts';
import { type LinkEvent, listLinks, readLinkEvent } from './link.ts';
import type { KernelNamespace } from './namespace.ts';
import { type RouteEvent, readRouteEvents } from './route.ts';

/** With the names of the links that the kernel only numbers; absent for one that has gone, or lies in another namespace. */
export type NetworkEvent =
  | (LinkEvent & { readonly masterName?: string | undefined })
  | ((AddressEvent | RouteEvent) & { readonly linkName?: string | undefined })
  | FlowEvent;

/** Where to listen, and to what. */
export interface Scope {
  /** Whose links, addresses and routes. */
  readonly namespace: KernelNamespace;
  /**
   * Who tracks the connections. A namespace does that from the first rule on that needs it, which is why a container
   * mostly does not, and the machine does it for the container.
   */
  readonly tracker: KernelNamespace;
  /** Only flows in which one of these addresses takes part, on either side of a translation. Absent: all flows. */
  readonly participants?: readonly Address[];
}

/** Events of a namespace, from the moment at which this resolves. Ending the loop ends the watch. */
export interface Watch extends AsyncIterable<NetworkEvent> {
  close(): void;
}

const { connectionNew, connectionUpdate, connectionDestroy } = groups.netfilter;
const connections = [connectionNew, connectionUpdate, connectionDestroy];

/** Begins to watch. The namespaces may be closed afterwards; until the watch is, its sockets keep them alive. */
export function watchNetwork({ namespace, tracker, participants }: Scope): Watch {
  const sources: Source[] = [];
  try {
    namespace.inside(() => sources.push(openEvents('route', Object.values(groups.route))));
    tracker.inside(() => sources.push(openEvents('netfilter', connections)));
    const names = new LinkNames(namespace);
    const read = (message: RawMessage) =>
      readEvents(message, names).filter((event) => event.kind !== 'flow' || takesPart(event, participants));
    const stream = new EventStream(...sources);
    return { close: () => stream.close(), [Symbol.asyncIterator]: () => decode(stream, read) };
  } catch (error) {
    for (const source of sources) source.close();
    throw error;
  }
}

/** Which number is which link, from now on. */
class LinkNames {
  readonly #names: Map<number, string>;

  constructor(namespace: KernelNamespace) {
    this.#names = new Map(listLinks(namespace.route).map(({ index, name }) => [index, name]));
  }

  of(index: number | undefined): string | undefined {
    return index === undefined ? undefined : this.#names.get(index);
  }

  learn({ change, link }: LinkEvent): void {
    if (change === 'gone') this.#names.delete(link.index);
    else this.#names.set(link.index, link.name);
  }
}

function readEvents(message: RawMessage, names: LinkNames): readonly NetworkEvent[] {
  const link = readLinkEvent(message);
  if (link !== undefined) {
    names.learn(link);
    return [{ ...link, masterName: names.of(link.link.master) }];
  }
  const address = readAddressEvent(message);
  if (address !== undefined) return [{ ...address, linkName: names.of(address.address.linkIndex) }];
  const routes = readRouteEvents(message);
  if (routes.length > 0) return routes.map((event) => ({ ...event, linkName: names.of(event.route.linkIndex) }));
  const flow = readFlowEvent(message);
  return flow === undefined ? [] : [flow];
}

function takesPart({ original, reply }: FlowEvent, participants: readonly Address[] | undefined): boolean {
  if (participants === undefined) return true;
  const ends = [original.source, original.destination, reply.source, reply.destination];
  return ends.some((end) => participants.some((participant) => sameAddress(end, participant)));
}

async function* decode(
  messages: AsyncIterable<RawMessage>,
  read: (message: RawMessage) => readonly NetworkEvent[],
): AsyncGenerator<NetworkEvent, void, undefined> {
  for await (const message of messages) yield* read(message);
}
