/**
 * Chapter 6: default route.
 *
 * A container may be connected to several networks. It reaches each subnet directly, but packets to other destinations
 * need one default route.
 *
 *                    eth0 --- 172.18.0.0/16, gateway 172.18.0.1 --- the host --- external network
 *      container ---<
 *                    eth1 --- 172.19.0.0/16, gateway 172.19.0.1 --- the host --- external network
 *
 *      default via 172.18.0.1 dev eth0          one of the two
 *
 * Docker's rule decides: the highest priority (`--gw-priority`), then an endpoint with both families, then the first
 * network by name. Each family is decided by itself, so an IPv6-only network may provide the IPv6 route. Endpoints
 * without a route (internal networks) do not count. The result depends on names only, not on the order of connects and
 * disconnects.
 *
 * Published ports use the same endpoint: a reply that took another route would leave with another source address.
 *
 * `ip route replace` is atomic. Connections to subnets are not affected; external ones keep their connection tracking
 * if the new route leads through the same host.
 */
import type { DefaultRoute, RouteStep } from '../plan/step.ts';
import { type Family, families, sameAddress } from '../values/address.ts';
import { order } from '../values/order.ts';
import { namespaceOf, type Sandbox } from './sandbox.ts';

/** An endpoint that may provide the default route. */
export interface RouteCandidate {
  readonly networkName: string;
  readonly priority: number;
  /** At most one per family. */
  readonly routes: readonly DefaultRoute[];
}

/** The default route of each family that has one. */
export function chooseDefaultRoutes(exits: readonly RouteCandidate[]): readonly DefaultRoute[] {
  return families.flatMap((family) => {
    const [best] = byRoutePriority(exits.filter((exit) => wayOf(exit, family) !== undefined));
    const way = best === undefined ? undefined : wayOf(best, family);
    return way === undefined ? [] : [way];
  });
}

/** Sorts endpoints by their precedence for the default route, which also decides other settings. */
export function byRoutePriority<T extends RouteCandidate>(exits: readonly T[]): readonly T[] {
  return exits.toSorted(before);
}

function wayOf({ routes: ways }: RouteCandidate, family: Family): DefaultRoute | undefined {
  return ways.find((way) => way.family === family);
}

function before(a: RouteCandidate, b: RouteCandidate): number {
  if (a.priority !== b.priority) return b.priority - a.priority;
  if (a.routes.length !== b.routes.length) return b.routes.length - a.routes.length;
  return order(a.networkName, b.networkName);
}

/** `ip -n C route add default via 172.18.0.1 dev eth0`, for each. */
export function defaultRoutes(ways: readonly DefaultRoute[], sandbox: Sandbox): readonly RouteStep[] {
  return ways.map((way) => ({
    kind: 'route',
    in: namespaceOf(sandbox),
    ...way,
    why: 'packets to other networks go to the gateway',
  }));
}

/**
 * The steps from the routes `before` to `routes`: `ip route replace`. A route without a successor is removed with its
 * link.
 */
export function changeRoutes(
  before: readonly DefaultRoute[],
  ways: readonly DefaultRoute[],
  sandbox: Sandbox,
): readonly RouteStep[] {
  return defaultRoutes(ways, sandbox).flatMap((step): readonly RouteStep[] => {
    const was = before.find(({ family }) => family === step.family);
    if (was === undefined) return [step];
    if (sameWay(was, step)) return [];
    const { family: _, ...old } = was;
    return [{ ...step, was: old, why: 'the default route has changed' }];
  });
}

function sameWay(a: DefaultRoute, b: DefaultRoute): boolean {
  if (a.link !== b.link) return false;
  return a.gateway === undefined || b.gateway === undefined
    ? a.gateway === b.gateway
    : sameAddress(a.gateway, b.gateway);
}
