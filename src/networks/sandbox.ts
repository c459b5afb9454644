/**
 * Chapter 1: none.
 *
 * What is left of a network when everything is taken away? The kernel gives each network namespace its own links,
 * addresses, routes, rules and ports. A new one is born with a single link, the loopback, and that one is down.
 *
 *      the machine                        the container
 *     +------------------------------+   +--------------+
 *     | lo  eth0  gangway0  …        |   | lo 127.0.0.1 |
 *     +------------------------------+   +--------------+
 *
 * A packet's way: from a process to itself over 127.0.0.1 and ::1, and nowhere else. `ping 203.0.113.2` fails in the
 * container's own kernel tables, `Network is unreachable`: there is no route that could carry it.
 *
 * What the kernel does by itself: it gives lo its two addresses when lo goes up, and takes everything away with the
 * last process, socket or pin that holds the namespace.
 *
 * Every other network begins here and plugs something in. As Docker does, gangway lets any process of the container
 * listen on ports below 1024 and send pings: the ports are the container's own, and so is the damage.
 */

import type { NamespaceRef } from '../plan/namespace-ref.ts';
import type { Step, SysctlStep } from '../plan/step.ts';
import type { Family, Prefix } from '../values/address.ts';
import type { SubordinateRange } from '../values/launch.ts';
import { isOfNetwork, type Sysctl } from '../values/sysctl-grammar.ts';

/** Where a container's network lives. */
export interface Sandbox {
  /** The pin's name below /run/netns: `gangway-3f2a9c41d0b7`. */
  readonly namespace: string;
  /** With `--userns private`: the user namespace that owns it, and where that is pinned. */
  readonly owner?: { readonly pin: string; readonly range: SubordinateRange };
}

export function namespaceOf({ namespace }: Sandbox): NamespaceRef {
  return { namespace };
}

/** `ip netns add C; ip -n C link set lo up`, and the two settings that Docker gives every container. */
export function createSandbox(sandbox: Sandbox): readonly Step[] {
  const place = namespaceOf(sandbox);
  return [
    {
      kind: 'namespace',
      name: sandbox.namespace,
      ...(sandbox.owner === undefined ? {} : { owner: sandbox.owner }),
      why: 'a network stack of its own: links, addresses, routes, rules and ports that nobody else sees',
    },
    {
      kind: 'up',
      in: place,
      link: 'lo',
      why: 'the loopback is born down; up, it gets 127.0.0.1 and ::1 from the kernel',
    },
    {
      kind: 'sysctl',
      in: place,
      key: 'net/ipv4/ip_unprivileged_port_start',
      value: '0',
      why: 'ports below 1024 are privileged on the machine; in here all are the container’s own',
    },
    {
      kind: 'sysctl',
      in: place,
      key: 'net/ipv4/ping_group_range',
      value: sandbox.owner === undefined ? '0 2147483647' : everyGroup(sandbox.owner.range),
      why: 'ping without a raw socket, for every group',
    },
  ];
}

/** All groups of a user namespace, by the numbers that they have outside: so the kernel reads what is written from there. */
function everyGroup({ first, length }: SubordinateRange): string {
  return `${first} ${first + length - 1}`;
}

/**
 * `sysctl -qw KEY=VALUE` in the container, before it has links: what is said of all of them later must not open a family
 * that their network closes. Settings of one link are the connection’s (`driver-opt`).
 */
export function sysctlSteps(sandbox: Sandbox, sysctls: readonly Sysctl[]): readonly SysctlStep[] {
  return sysctls.filter(isOfNetwork).map(({ key, value }) => ({
    kind: 'sysctl',
    in: namespaceOf(sandbox),
    key,
    value,
    asked: true,
    why: 'asked for with --sysctl: the setting is the container’s own',
  }));
}

/**
 * A network without IPv6 has none anywhere: a link-local address would be a way around every IPv4 rule (CVE-2024-32473).
 *
 * @param families those that the kernel has: booted with `ipv6.disable=1` it has nothing to close, and no such setting
 */
export function disableIpv6(
  place: NamespaceRef,
  link: string,
  subnets: readonly { readonly subnet: Prefix }[],
  families: readonly Family[],
): readonly Step[] {
  if (!families.includes(6) || subnets.some(({ subnet }) => subnet.address.family === 6)) return [];
  return [
    {
      kind: 'sysctl',
      in: place,
      key: `net/ipv6/conf/${link}/disable_ipv6`,
      value: '1',
      why: 'this network has no IPv6, so neither has this interface: no link-local address, no router advertisements',
    },
  ];
}

/** The kernel gives a link of less than 1280 bytes no IPv6, which couldn't use it: there is nothing to close, and no setting. RFC 8200, 5 */
export function familiesForMtu(mtuBytes: number | undefined, families: readonly Family[]): readonly Family[] {
  return families.filter((family) => family === 4 || mtuBytes === undefined || mtuBytes >= 1280);
}

/** A container's end of a plug. */
export interface EndpointLink {
  /** The container's link: `eth0`. */
  readonly link: string;
  readonly addresses: readonly Prefix[];
  /** Addresses besides, which the network knows nothing of: `--link-local-ip`. */
  readonly linkLocalAddresses?: readonly Prefix[];
  /** With the link's name in the keys. */
  readonly sysctls?: readonly Sysctl[];
}

/**
 * From a link that is there and down to one that can be reached.
 *
 *     ip -n C address add 172.17.0.2/16 dev eth0
 *     ip netns exec C sysctl -qw net/ipv4/conf/eth0/log_martians=1
 *     ip -n C link set eth0 up
 *
 * The settings that somebody wants for the link come before it is up: no packet meets it without them.
 */
export function configureLink(
  { link, addresses, linkLocalAddresses = [], sysctls = [] }: EndpointLink,
  sandbox: Sandbox,
): readonly Step[] {
  const place = namespaceOf(sandbox);
  const address = (prefix: Prefix, why: string): Step => ({ kind: 'address', in: place, link, prefix, why });
  return [
    ...addresses.map((prefix) => address(prefix, 'the container’s address')),
    ...linkLocalAddresses.map((prefix) => address(prefix, 'an address for this wire alone')),
    ...sysctls.map(
      (setting): Step => ({ kind: 'sysctl', in: place, ...setting, asked: true, why: `asked for with ${link}` }),
    ),
    { kind: 'up', in: place, link, why: 'the link is on: from here on packets flow' },
  ];
}
