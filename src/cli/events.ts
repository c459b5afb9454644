/** The kernel's events in words, and as plain data. */
import { formatFlow } from '../kernel/conntrack.ts';
import type { NetworkEvent } from '../kernel/netlink-monitor.ts';
import type { Route } from '../kernel/route.ts';
import { formatAddress, formatPrefix } from '../values/address.ts';

const signs = { new: '+', set: '+', update: '~', gone: '-', end: '-' } as const;

/** `+ link 7: veth3f2a9c4, up, a port of gangway0`. */
export function describeEvent(event: NetworkEvent): string {
  return `${signs[event.change]} ${event.kind} ${detail(event)}`;
}

function detail(event: NetworkEvent): string {
  switch (event.kind) {
    case 'link': {
      const { name, index, up, master } = event.link;
      return `${index}: ${name}, ${up ? 'up' : 'down'}${master === undefined ? '' : `, a port of ${event.masterName ?? `link ${master}`}`}`;
    }
    case 'address':
      return `${formatPrefix(event.address.prefix)} on ${event.linkName ?? `link ${event.address.linkIndex}`}`;
    case 'route':
      return describeRoute(event.route, event.linkName);
    case 'flow':
      return formatFlow(event);
  }
}

/** As `ip route` says it. */
function describeRoute({ destination, gateway, linkIndex }: Route, linkName: string | undefined): string {
  const to = destination.length === 0 ? 'default' : formatPrefix(destination);
  const via = gateway === undefined ? '' : ` via ${formatAddress(gateway)}`;
  return `${to}${via}${linkIndex === undefined ? '' : ` on ${linkName ?? `link ${linkIndex}`}`}`;
}

type Plain = string | number | boolean | undefined;

/** For `--format`: values as text and numbers. */
export function plainEvent(event: NetworkEvent): Readonly<Record<string, Plain>> {
  const common = { Kind: event.kind, Change: event.change };
  switch (event.kind) {
    case 'link':
      return {
        ...common,
        Name: event.link.name,
        Index: event.link.index,
        Up: event.link.up,
        Master: event.masterName,
        MasterIndex: event.link.master,
      };
    case 'address':
      return {
        ...common,
        Address: formatPrefix(event.address.prefix),
        Link: event.linkName,
        LinkIndex: event.address.linkIndex,
      };
    case 'route':
      return {
        ...common,
        Destination: formatPrefix(event.route.destination),
        Gateway: event.route.gateway && formatAddress(event.route.gateway),
        Link: event.linkName,
        LinkIndex: event.route.linkIndex,
      };
    case 'flow':
      return { ...common, Flow: formatFlow(event) };
  }
}
