/**
 * Routes.
 *
 * @see struct rtmsg and RTA_* in linux/rtnetlink.h, rtnetlink(7), ip-route(8)
 */
import { attributes, headed, list, struct } from '../netlink/attributes.ts';
import { address, u8, u32 } from '../netlink/codec.ts';
import type { Connection } from '../netlink/connection.ts';
import {
  flags,
  type MessageKind,
  type RawMessage,
  type Reply,
  type Request,
  readBody,
  request,
} from '../netlink/message.ts';
import { type Address, type Family, formatAddress, type Prefix, unspecified } from '../values/address.ts';
import { addressFamily } from './family.ts';

/** RT_TABLE_*, RTPROT_*, RT_SCOPE_*, RTN_* of linux/rtnetlink.h. */
const RT_TABLE_MAIN = 254;
const RTPROT_BOOT = 3;
const RTN_UNICAST = 1;
const RTN_LOCAL = 2;
const RT_SCOPE_UNIVERSE = 0;
const RT_SCOPE_LINK = 253;
const RT_SCOPE_HOST = 254;

const rtmsg = struct({
  family: [1, u8],
  destinationLength: [1, u8],
  sourceLength: [1, u8],
  tos: [1, u8],
  table: [1, u8],
  protocol: [1, u8],
  scope: [1, u8],
  type: [1, u8],
  flags: [4, u32],
});
/** The rest of struct rtnexthop, which begins as an attribute does: with its length, and 16 bits of something else. */
const nextHop = headed(struct({ linkIndex: [4, u32] }), attributes({ gateway: [5, address] }));
const routeAttributes = attributes({
  destination: [1, address],
  linkIndex: [4, u32],
  gateway: [5, address],
  metric: [6, u32],
  source: [7, address],
  nextHops: [9, list(0, nextHop)],
  table: [15, u32],
});

const RTM_NEWROUTE = { name: 'RTM_NEWROUTE', type: 24, header: rtmsg, attributes: routeAttributes };
const RTM_DELROUTE = { name: 'RTM_DELROUTE', type: 25, header: rtmsg, attributes: routeAttributes };
const RTM_GETROUTE = { name: 'RTM_GETROUTE', type: 26, header: rtmsg, attributes: routeAttributes };

/** One way to somewhere. Of a route with several next hops, between which the kernel shares out its flows, each is a way. */
export interface Route {
  readonly destination: Prefix;
  readonly gateway: Address | undefined;
  readonly linkIndex: number | undefined;
  readonly metric: number;
  /** Is it one of several next hops? */
  readonly shared: boolean;
}

/** Where packets go that no other route is for. Without a gateway everybody is a neighbour on the link. */
export interface DefaultRoute {
  readonly family: Family;
  readonly linkIndex: number;
  readonly gateway?: Address;
}

/** `ip route add default via 172.17.0.1 dev eth0`; `ip route replace` puts it in the place of another one. */
export function setDefaultRoute(verb: 'add' | 'replace', { family, linkIndex, gateway }: DefaultRoute): Request {
  const header = {
    family: addressFamily(family),
    table: RT_TABLE_MAIN,
    protocol: RTPROT_BOOT,
    scope: gateway === undefined && family === 4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
    type: RTN_UNICAST,
  };
  const way = gateway === undefined ? '' : ` via ${formatAddress(gateway)}`;
  const bits = flags.create | (verb === 'add' ? flags.exclusive : flags.replace);
  return request(
    `${verb} default route${way}`,
    RTM_NEWROUTE,
    bits,
    header,
    gateway === undefined ? { linkIndex } : { linkIndex, gateway },
  );
}

/** Everything is for this machine itself, by a table that a routing rule asks. */
export interface LocalRoute {
  readonly family: Family;
  readonly table: number;
}

/** `ip route add local default dev lo table 268435457` */
export function addLocalRoute(route: LocalRoute, loopbackIndex: number): Request {
  const { header, body } = localRoute(route, loopbackIndex);
  return request(`add local route to table ${route.table}`, RTM_NEWROUTE, flags.create | flags.exclusive, header, body);
}

/** `ip route delete local default dev lo table 268435457` */
export function deleteLocalRoute(route: LocalRoute, loopbackIndex: number): Request {
  const { header, body } = localRoute(route, loopbackIndex);
  return request(`delete local route of table ${route.table}`, RTM_DELROUTE, 0, header, body);
}

function localRoute({ family, table }: LocalRoute, linkIndex: number) {
  const scope = family === 4 ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE;
  const header = { family: addressFamily(family), protocol: RTPROT_BOOT, scope, type: RTN_LOCAL };
  return { header, body: { linkIndex, table } };
}

export function hasLocalRoute(connection: Connection, { family, table }: LocalRoute): boolean {
  return dumpRoutes(connection, family).some(
    ({ header, attributes: found }) =>
      header.type === RTN_LOCAL && found.table === table && (header.destinationLength ?? 0) === 0,
  );
}

/** `ip route show table main`, of one family. */
export function listRoutes(connection: Connection, family: Family): readonly Route[] {
  return dumpRoutes(connection, family).flatMap(mainRoutes);
}

/** `ip route show table all type unicast`, of one family: a VPN may have a table of its own. */
export function listRoutesOfAllTables(connection: Connection, family: Family): readonly Route[] {
  return dumpRoutes(connection, family).flatMap(unicastRoutes);
}

function dumpRoutes(connection: Connection, family: Family): readonly RouteReply[] {
  const question = request(`list IPv${family} routes`, RTM_GETROUTE, 0, { family: addressFamily(family) }, {});
  return connection.dump(question, RTM_NEWROUTE);
}

/** A route of the main table that appeared or went. */
export interface RouteEvent {
  readonly kind: 'route';
  readonly change: 'set' | 'gone';
  readonly route: Route;
}

/** @returns nothing for messages about other things, and about routes of other tables */
export function readRouteEvents(message: RawMessage): readonly RouteEvent[] {
  if (message.type !== RTM_NEWROUTE.type && message.type !== RTM_DELROUTE.type) return [];
  const change = message.type === RTM_DELROUTE.type ? 'gone' : 'set';
  return mainRoutes(readBody(RTM_NEWROUTE, message.payload)).map((route) => ({ kind: 'route', change, route }));
}

type RouteReply = typeof RTM_NEWROUTE extends MessageKind<infer H, infer A> ? Reply<H, A> : never;

function mainRoutes(reply: RouteReply): readonly Route[] {
  return (reply.attributes.table ?? reply.header.table) === RT_TABLE_MAIN ? unicastRoutes(reply) : [];
}

/** What the kernel keeps for itself, in the table `local`, is of other types; so is what is no way to somewhere. */
function unicastRoutes({ header, attributes: found }: RouteReply): readonly Route[] {
  if (header.type !== RTN_UNICAST) return [];
  const family = header.family === addressFamily(6) ? 6 : 4;
  const destination = { address: found.destination ?? unspecified(family), length: header.destinationLength ?? 0 };
  const metric = found.metric ?? 0;
  const hops = found.nextHops?.map((hop) => ({ ...hop.header, ...hop.attributes }));
  return (hops ?? [found]).map(({ gateway, linkIndex }) => {
    return { destination, gateway, linkIndex, metric, shared: hops !== undefined };
  });
}
