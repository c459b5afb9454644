/** What follows from a container's plugs as a whole: its way out, and where its published ports lead. */

import { allowSenders } from '../../networks/anti-spoofing.ts';
import { policyOf } from '../../networks/bridge.ts';
import { chooseDefaultRoutes, type RouteCandidate } from '../../networks/default-route.ts';
import { endpointRoutes, type Network } from '../../networks/network.ts';
import type { PolicyLookup } from '../../networks/port-mapping.ts';
import type { DefaultRoute, ElementStep } from '../../plan/step.ts';
import { type Address, type Family, network, type Prefix, sameAddress } from '../../values/address.ts';
import { shortId } from '../../values/id.ts';
import type { Forward, PortBinding } from '../../values/port.ts';
import { notFound, ordinary } from '../store/network-lookup.ts';
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

/**
 * Where a published port leads: to the container's address on its way out, of the binding's own family where there is
 * one, else of the other, across which the switchboard carries.
 *
 * @returns undefined where the container has no way out, or one that does not lead through this machine (macvlan): then
 *   nobody comes in by a port of the machine either
 */
function targetOf(wired: Wired, ways: readonly DefaultRoute[], family: Family): Address | undefined {
  const inward = ways.filter((way) => networkOf(wired, way)?.kind === 'bridge');
  const way = inward.find((candidate) => candidate.family === family) ?? inward[0];
  const plug = wired.find(({ plug: { endpoint } }) => endpoint.link === way?.link)?.plug;
  return plug?.endpoint.addresses.find(({ address }) => address.family === way?.family)?.address;
}

/** Can a port of the machine lead to the container at all? */
export function canBePublished(wired: Wired, ways: readonly DefaultRoute[]): boolean {
  return targetOf(wired, ways, 4) !== undefined;
}

function networkOf(wired: Wired, { link }: DefaultRoute): Network | undefined {
  return wired.find(({ plug }) => plug.endpoint.link === link)?.record.network;
}

/** Where a port is bound whose request names no address, if the network on the IPv4 way out says so. */
export function hostBindingOf(wired: Wired, ways: readonly DefaultRoute[]): Address | undefined {
  const way = ways.find(({ family }) => family === 4);
  const driver = wired.find(({ plug }) => plug.endpoint.link === way?.link)?.record.request?.driver;
  return driver?.kind === 'bridge' ? driver.hostBinding : undefined;
}

/** Each binding with the address that it leads to. */
export function forwardsOf(
  wired: Wired,
  ways: readonly DefaultRoute[],
  bindings: readonly PortBinding[],
): readonly Forward[] {
  const destinations = destinationsOf(wired, ways);
  const near = subnetsOf(wired);
  return bindings.flatMap((binding): readonly Forward[] => {
    const destination = destinations[binding.hostAddress.family];
    if (destination === undefined) return [];
    return [{ binding, ...destination, ...(binding.clientAddress === 'transparent' && { near }) }];
  });
}

/** Where ports lead to that are published on addresses of each family: the same for thousands. */
export function destinationsOf(
  wired: Wired,
  ways: readonly DefaultRoute[],
): Readonly<Record<Family, Pick<Forward, 'target' | 'routed'> | undefined>> {
  const behind = behindOf(wired);
  const destination = (family: Family) => {
    const target = targetOf(wired, ways, family);
    const routed = target !== undefined && behind(target).gatewayModes[target.family] === 'routed';
    return target && { target, ...(routed && { routed }) };
  };
  return { 4: destination(4), 6: destination(6) };
}

/** Those in which the container is itself. */
function subnetsOf(wired: Wired): readonly Prefix[] {
  return wired.flatMap(({ plug }) => plug.endpoint.addresses).map(network);
}

/** The network that an address of the container belongs to. */
export function behindOf(wired: Wired): PolicyLookup {
  return (target) => {
    const found = wired.find(({ plug }) => plug.endpoint.addresses.some(({ address }) => sameAddress(address, target)));
    const network = found?.record.network;
    return network?.kind === 'bridge' ? policyOf(network) : { ...ordinary, bridge: '' };
  };
}
