/** A network, whatever drives it: what has to be made for it, how a container is plugged in, and which ways lead out of it. */
import type { DefaultRoute, Step } from '../plan/step.ts';
import { attach, type BridgeNetwork, createBridge, type Endpoint, waysOut } from './bridge.ts';
import type { Sandbox } from './none.ts';

export type Network = BridgeNetwork;

/** What stands while the network does, with or without containers. */
export function createNetwork(network: Network): readonly Step[] {
  return createBridge(network);
}

/** Plugs a container in. */
export function plugIn(network: Network, endpoint: Endpoint, sandbox: Sandbox): readonly Step[] {
  return attach(network, endpoint, sandbox);
}

/** The ways to the world that the plug offers, at most one a family. */
export function waysThrough(network: Network, endpoint: Endpoint): readonly DefaultRoute[] {
  return waysOut(network, endpoint);
}
