/**
 * Looking at the machine, before anything is planned.
 *
 * Everything that a plan depends on and that is not in the records is read here, once, and handed on as values.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { listAddresses } from '../kernel/address.ts';
import { listLinks } from '../kernel/link.ts';
import { listRoutes, listRoutesOfAllTables } from '../kernel/route.ts';
import { readSysctl } from '../kernel/sysctl.ts';
import type { Connection } from '../netlink/connection.ts';
import type { KernelHandles } from '../plan/kernel-handles.ts';
import type { TakenPrefix } from '../services/ipam.ts';
import {
  type Address,
  type Family,
  families,
  formatAddress,
  formatPrefix,
  fromBytes,
  hostPrefix,
  type Prefix,
} from '../values/address.ts';
import { ignoring } from '../values/errors.ts';
import { resolverSettings } from '../values/resolver.ts';

/** `sysctl -n net.ipv4.ip_forward`. */
export function ipForward(): string {
  return readSysctl('net/ipv4/ip_forward');
}

/** Booted with `ipv6.disable=1`, the kernel has neither sockets nor settings of IPv6. */
export function kernelFamilies(): readonly Family[] {
  return existsSync('/proc/net/if_inet6') ? [4, 6] : [4];
}

/** Is br_netfilter loaded? Then bridges may ask the rules of the router. */
export function kernelBridgeFilter(): boolean {
  return existsSync('/proc/sys/net/bridge');
}

/**
 * The MTU of the link that the default route leaves by, and of several the smallest one, where each family has a link of its
 * own, or a route several next hops; 1500 where there is none, and never more.
 *
 * Docker always takes 1500, and on a VPN or a cloud network with a smaller one loses every full-sized packet.
 */
export function uplinkMtuBytes(world: KernelHandles): number {
  const { route } = world.namespace('host');
  const links = listLinks(route);
  const uplinks = families.flatMap((family) => {
    const defaults = listRoutes(route, family).filter(({ destination }) => destination.length === 0);
    const least = Math.min(...defaults.map(({ metric }) => metric));
    return defaults.filter(({ metric }) => metric === least).map(({ linkIndex }) => linkIndex);
  });
  return Math.min(1500, ...links.filter(({ index }) => uplinks.includes(index)).map(({ mtu }) => mtu));
}

/** Families whose packets may be large inside this machine: any link can tell. */
export function largeSegments(world: KernelHandles): readonly Family[] {
  return world.findLink('host', 'lo')?.largeSegments ?? [];
}

/** Every subnet that the machine has a way to: its own, and those behind gateways, but for the default routes. */
export function reachable(world: KernelHandles): readonly TakenPrefix[] {
  const { route } = world.namespace('host');
  const names = new Map(listLinks(route).map(({ index, name }) => [index, name]));
  const routes = families.flatMap((family) => listRoutesOfAllTables(route, family));
  return [
    ...routes
      .filter(({ destination }) => destination.length > 0)
      .map((found) => taken(found.destination, found, names)),
    ...listAddresses(route).map(({ prefix, linkIndex }) => taken(prefix, { linkIndex }, names)),
  ];
}

/** Of all links. */
export function machineAddresses(route: Connection): readonly Address[] {
  return listAddresses(route).map(({ prefix }) => prefix.address);
}

/** Those that the machine asks: a network over one of them would take its names away. */
export function nameServers(): readonly TakenPrefix[] {
  return resolverSettings(machineResolvConf()).upstreams.map(({ address }) => ({
    prefix: hostPrefix(address),
    by: `name server ${formatAddress(address)}`,
  }));
}

function taken(
  prefix: Prefix,
  { gateway, linkIndex }: { readonly gateway?: Address | undefined; readonly linkIndex: number | undefined },
  names: ReadonlyMap<number, string>,
): TakenPrefix {
  const way = gateway === undefined ? '' : ` via ${formatAddress(gateway)}`;
  const link = linkIndex === undefined ? '' : ` dev ${names.get(linkIndex) ?? linkIndex}`;
  return { prefix, by: `route ${formatPrefix(prefix)}${way}${link}` };
}

/**
 * This machine's own part of fd00::/8, from which networks get IPv6 subnets: 40 bits that no other machine is likely to
 * have, and this one always has.
 *
 * @see RFC 4193, machine-id(5)
 */
export function machinePrefix(): Prefix {
  const id = ignoring('ENOENT', () => readFileSync('/etc/machine-id', 'utf8'))?.trim() || hostname();
  const bits = createHash('sha256').update(`gangway ${id}`).digest().subarray(0, 5);
  return { address: fromBytes([0xfd, ...bits, ...Array.from({ length: 10 }, () => 0)]), length: 48 };
}

/** The machine's list of name servers; empty where it has none. */
export function machineResolvConf(): string {
  return ignoring('ENOENT', () => readFileSync('/etc/resolv.conf', 'utf8')) ?? '';
}

/** `hostname`: also the name of a container that lives in the machine's network. */
export function machineName(): string {
  return hostname();
}

/** For `--network host`: the machine's own names are the container's. */
export function machineHosts(): string {
  return ignoring('ENOENT', () => readFileSync('/etc/hosts', 'utf8')) ?? '';
}
