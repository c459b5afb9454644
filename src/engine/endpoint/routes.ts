/** What follows from a container's plugs as a whole: its way out, and where its published ports lead. */

import { allowSenders } from '../../networks/anti-spoofing.ts';
import { chooseDefaultRoutes, type RouteCandidate } from '../../networks/default-route.ts';
import { endpointRoutes } from '../../networks/network.ts';
import type { DefaultRoute, ElementStep } from '../../plan/step.ts';
import { shortId } from '../../values/id.ts';
import { networkNotFound } from '../store/network-lookup.ts';
import type { EndpointRecord, NetworkRecord, Run } from '../store/record.ts';
import type { Records } from '../store/record-store.ts';

/** The plugs, with what is known of their networks. */
export type Endpoints = readonly { readonly plug: EndpointRecord; readonly record: NetworkRecord }[];

/** The plugs of a life. */
export function endpointsOf(records: Records, { plugs }: Run): Endpoints {
  const all = records.everyNetwork();
  return plugs.map((plug) => {
    const record = all.find(({ id }) => id === plug.networkId);
    if (record === undefined) throw networkNotFound(shortId(plug.networkId));
    return { plug, record };
  });
}

/** What the port guard has to know of them. */
export function guardOf(wired: Endpoints): readonly ElementStep[] {
  return allowSenders(wired.map(({ plug, record }) => ({ network: record.network, endpoint: plug.endpoint })));
}

/** The default routes that the plugs lead to, at most one a family. */
export function defaultRoutesOf(wired: Endpoints): readonly DefaultRoute[] {
  return chooseDefaultRoutes(routeCandidates(wired));
}

/** The plugs as the rules of the way out see them. */
export function routeCandidates(wired: Endpoints): readonly (RouteCandidate & Endpoints[number])[] {
  return wired.map(({ plug, record }) => ({
    plug,
    record,
    networkName: record.network.name,
    priority: plug.request.gatewayPriority,
    routes: endpointRoutes(record.network, plug.endpoint),
  }));
}
