/**
 * Chapter 7: which way out.
 *
 * A container may be plugged into several networks. Its neighbours on each are a cable away; but packets to everybody else
 * can take one way only, the default route. Which one?
 *
 *                    eth0 --- 172.18.0.0/16, gateway 172.18.0.1 --- the machine --- the world
 *      container ---<
 *                    eth1 --- 172.19.0.0/16, gateway 172.19.0.1 --- the machine --- the world
 *
 *      default via 172.18.0.1 dev eth0          one of the two
 *
 * The rule is Docker's: the connection with the highest priority (`--gw-priority`), among equals one that offers both
 * families before one that offers a single one, and among those the network whose name comes first. Each family is
 * decided by itself, so a network with IPv6 alone may be the way out for IPv6. What offers no way out (internal
 * networks) is never asked. The rule looks at names and not at the order of events: connecting and disconnecting in
 * whatever order ends in the same place.
 *
 * Published ports follow: the world reaches a container by the network by which the container answers. An answer that
 * took another way would leave with another address than it was asked at.
 *
 * `ip route replace` changes over between two packets. Established flows to neighbours are not touched; those to the
 * world keep their connection tracking, and go on where the new way leads through the same machine.
 */
import type { DefaultRoute, RouteStep } from '../plan/step.ts';
import { type Family, families, sameAddress } from '../values/address.ts';
import { order } from '../values/order.ts';
import { namespaceOf, type Sandbox } from './sandbox.ts';

/** A plug, as far as the choice goes. */
export interface RouteCandidate {
  readonly networkName: string;
  readonly priority: number;
  /** At most one a family. */
  readonly routes: readonly DefaultRoute[];
}

/** The way out of each family that has one. */
export function chooseDefaultRoutes(exits: readonly RouteCandidate[]): readonly DefaultRoute[] {
  return families.flatMap((family) => {
    const [best] = byRoutePriority(exits.filter((exit) => wayOf(exit, family) !== undefined));
    const way = best === undefined ? undefined : wayOf(best, family);
    return way === undefined ? [] : [way];
  });
}

/** As they are asked for the way out, and for everything else that several networks may know. */
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
    why: 'everything that is no neighbour goes to the gateway',
  }));
}

/**
 * What has to change for `ways` to hold where `before` did: `ip route replace`. A way that ends without another one in
 * its place ends with its link.
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
    return [{ ...step, was: old, why: 'the way out is another one now' }];
  });
}

function sameWay(a: DefaultRoute, b: DefaultRoute): boolean {
  if (a.link !== b.link) return false;
  return a.gateway === undefined || b.gateway === undefined
    ? a.gateway === b.gateway
    : sameAddress(a.gateway, b.gateway);
}
