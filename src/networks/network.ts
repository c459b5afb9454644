/** Chapter 13: networks of all drivers: creation, endpoints and their routes. */
import type { Backend } from '../firewall/backend.ts';
import type { DefaultRoute, Step } from '../plan/step.ts';
import type { Family } from '../values/address.ts';
import { attachBridge, type BridgeNetwork, bridgeRoutes, createBridge, type Endpoint } from './bridge.ts';
import { failClosedRules, sourceValidMark } from './fail-closed-routing.ts';
import { attachIpvlan, createIpvlan, type IpvlanNetwork, ipvlanRoutes } from './ipvlan.ts';
import { attachMacvlan, createMacvlan, type MacvlanNetwork, macvlanRoutes } from './macvlan.ts';
import type { Sandbox } from './sandbox.ts';

export type Network = BridgeNetwork | MacvlanNetwork | IpvlanNetwork;

/** The steps of a network. @param families families of the kernel */
export function createNetwork(network: Network, families: readonly Family[], firewall: Backend): readonly Step[] {
  switch (network.kind) {
    case 'bridge':
      return [...failClosedRules(network), ...createBridge(network, families, firewall), ...sourceValidMark(network)];
    case 'macvlan':
      return createMacvlan(network, families);
    case 'ipvlan':
      return createIpvlan(network, families);
  }
}

/** Connects a container. @param families families of the kernel */
export function attachEndpoint(
  network: Network,
  endpoint: Endpoint,
  sandbox: Sandbox,
  families: readonly Family[],
): readonly Step[] {
  switch (network.kind) {
    case 'bridge':
      return attachBridge(network, endpoint, sandbox, families);
    case 'macvlan':
      return attachMacvlan(network, endpoint, sandbox, families);
    case 'ipvlan':
      return attachIpvlan(network, endpoint, sandbox, families);
  }
}

/** The default routes of an endpoint, at most one per family that it has an address of. */
export function endpointRoutes(network: Network, endpoint: Endpoint): readonly DefaultRoute[] {
  const families = endpoint.addresses.map(({ address }) => address.family);
  return routesOf(network, endpoint).filter(({ family }) => families.includes(family));
}

function routesOf(network: Network, endpoint: Endpoint): readonly DefaultRoute[] {
  switch (network.kind) {
    case 'bridge':
      return bridgeRoutes(network, endpoint);
    case 'macvlan':
      return macvlanRoutes(network, endpoint);
    case 'ipvlan':
      return ipvlanRoutes(network, endpoint);
  }
}

/** The host link of the network: its bridge, or its parent. */
export function linkOf(network: Network): string {
  return network.kind === 'bridge' ? network.bridge : network.parent.link;
}
