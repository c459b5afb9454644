/** A network, whatever drives it: what has to be made for it, how a container is plugged in, and which ways lead out of it. */
import type { Backend } from '../firewall/backend.ts';
import type { DefaultRoute, Step } from '../plan/step.ts';
import type { Family } from '../values/address.ts';
import { attachBridge, type BridgeNetwork, bridgeRoutes, createBridge, type Endpoint } from './bridge.ts';
import { failClosedRules, sourceValidMark } from './fail-closed-routing.ts';
import { attachIpvlan, createIpvlan, type IpvlanNetwork, ipvlanRoutes } from './ipvlan.ts';
import { attachMacvlan, createMacvlan, type MacvlanNetwork, macvlanRoutes } from './macvlan.ts';
import type { Sandbox } from './sandbox.ts';

export type Network = BridgeNetwork | MacvlanNetwork | IpvlanNetwork;

/** What stands while the network does, with or without containers. @param families those that the kernel has */
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

/** Plugs a container in. @param families those that the kernel has */
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

/** The ways to the world that the plug offers, at most one a family, and none of a family of which it has no address. */
export function endpointRoutes(network: Network, endpoint: Endpoint): readonly DefaultRoute[] {
  const families = endpoint.addresses.map(({ address }) => address.family);
  return waysOf(network, endpoint).filter(({ family }) => families.includes(family));
}

function waysOf(network: Network, endpoint: Endpoint): readonly DefaultRoute[] {
  switch (network.kind) {
    case 'bridge':
      return bridgeRoutes(network, endpoint);
    case 'macvlan':
      return macvlanRoutes(network, endpoint);
    case 'ipvlan':
      return ipvlanRoutes(network, endpoint);
  }
}

/** The link of the machine on which the network stands: its own bridge, or the one that it shares with the machine. */
export function linkOf(network: Network): string {
  return network.kind === 'bridge' ? network.bridge : network.parent.link;
}
