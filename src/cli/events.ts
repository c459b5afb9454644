/** The kernel's events in words, and as plain data. */
import { formatFlow } from '../kernel/connection-tracking.ts';
import type { NetworkEvent } from '../kernel/watch.ts';
import { formatPrefix } from '../values/address.ts';

const signs = { new: '+', set: '+', update: '~', gone: '-', end: '-' } as const;

/** `+ link veth3f2a9c4 up, in bridge 3`. */
export function describeEvent(event: NetworkEvent): string {
  return `${signs[event.change]} ${event.kind} ${detail(event)}`;
}

function detail(event: NetworkEvent): string {
  switch (event.kind) {
    case 'link': {
      const { name, index, up, master } = event.link;
      return `${index}: ${name}, ${up ? 'up' : 'down'}${master === undefined ? '' : `, a port of link ${master}`}`;
    }
    case 'address':
      return `${formatPrefix(event.address.prefix)} on link ${event.address.linkIndex}`;
    case 'flow':
      return formatFlow(event);
  }
}

/** For `--format json`: values as text and numbers. */
export function plainEvent(event: NetworkEvent): Readonly<Record<string, unknown>> {
  const common = { Kind: event.kind, Change: event.change };
  switch (event.kind) {
    case 'link':
      return {
        ...common,
        Name: event.link.name,
        Index: event.link.index,
        Up: event.link.up,
        Master: event.link.master,
      };
    case 'address':
      return { ...common, Address: formatPrefix(event.address.prefix), LinkIndex: event.address.linkIndex };
    case 'flow':
      return { ...common, Flow: formatFlow(event) };
  }
}
