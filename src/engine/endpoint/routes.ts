/** What follows from a container's plugs as a whole: its way out, and where its published ports lead. */

import { allowSenders } from '../../networks/anti-spoofing.ts';
import { chooseDefaultRoutes, type RouteCandidate } from '../../networks/default-route.ts';
import { endpointRoutes } from '../../networks/network.ts';
import type { DefaultRoute, ElementStep } from '../../plan/step.ts';
import { shortId } from '../../values/id.ts';
import { notFound } from '../store/network-lookup.ts';
import type { Life, NetworkRecord, Plug } from '../store/record.ts';
import type { Records } from '../store/record-store.ts';

/** The plugs, with what is known of their networks. */
export type Wired = readonly { readonly plug: Plug; readonly record: NetworkRecord }[];

/** The plugs of a life. */
export function wiredOf(records: Records, { plugs }: Life): Wired {
  const all = records.everyNetwork();
  return plugs.map((plug) => {
    const record = all.find(({ id }) => id === plug.networkId);
    if (record === undefined) throw notFound(shortId(plug.networkId));
    return { plug, record };
  });
}

/** What the port guard has to know of them. */
export function guardOf(wired: Wired): readonly ElementStep[] {
  return allowSenders(wired.map(({ plug, record }) => ({ network: record.network, endpoint: plug.endpoint })));
}

/** The default routes that the plugs lead to, at most one a family. */
export function waysOf(wired: Wired): readonly DefaultRoute[] {
  return chooseDefaultRoutes(exitsOf(wired));
}

/** The plugs as the rules of the way out see them. */
export function exitsOf(wired: Wired): readonly (RouteCandidate & Wired[number])[] {
  return wired.map(({ plug, record }) => ({
    plug,
    record,
    networkName: record.network.name,
    priority: plug.request.gatewayPriority,
    routes: endpointRoutes(record.network, plug.endpoint),
  }));
}
