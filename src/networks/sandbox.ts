/**
 * Chapter 1: sandbox (networks `none` and `host`).
 *
 * A network namespace has its own links, addresses, routes, rules and ports. A new one has a single link, the loopback,
 * which is down.
 *
 *      the host                           the container (none)
 *     +------------------------------+   +--------------+
 *     | lo  eth0  gangway0  …        |   | lo 127.0.0.1 |
 *     +------------------------------+   +--------------+
 *
 * With `--network none` a process reaches itself on 127.0.0.1 and ::1, and nothing else: `ping 203.0.113.2` fails with
 * `Network is unreachable`, because no route exists. Every other network begins with this sandbox and adds a link.
 *
 * With `--network host` the container has no namespace of its own and needs no steps. It shares the host's links,
 * addresses, ports and loopback, and is as fast as any process of the host. `-p` is discarded with a warning. As in
 * Docker, the container reaches services on 127.0.0.1 and abstract Unix sockets of the host.
 *
 * What the kernel does by itself: it assigns lo's two addresses when lo goes up, and removes everything with the last
 * process, socket or pin of the namespace.
 *
 * As in Docker, any process of the container may listen on ports below 1024 and send pings: these affect only the
 * container's own namespace.
 */

import type { NamespaceRef } from '../plan/link-step.ts';
import type { Step, SysctlStep } from '../plan/step.ts';
import type { Family, Prefix } from '../values/address.ts';
import type { SubordinateRange } from '../values/launch.ts';
import { isOfNetwork, type Sysctl } from '../values/sysctl-grammar.ts';

/** A container's network namespace. */
export interface Sandbox {
  /** Its name in /run/netns: `gangway-3f2a9c41d0b7`. */
  readonly namespace: string;
  /** With `--userns private`: the owning user namespace and its pin. */
  readonly owner?: { readonly pin: string; readonly range: SubordinateRange };
}

export function namespaceOf({ namespace }: Sandbox): NamespaceRef {
  return { namespace };
}

/** The steps of `--network host`: none. */
export function host(): readonly Step[] {
  return [];
}

/** Creates the namespace: `ip netns add C; ip -n C link set lo up`, and Docker's two sysctls. */
export function createSandbox(sandbox: Sandbox): readonly Step[] {
  const place = namespaceOf(sandbox);
  return [
    {
      kind: 'namespace',
      name: sandbox.namespace,
      ...(sandbox.owner === undefined ? {} : { owner: sandbox.owner }),
      why: 'a network stack of its own: links, addresses, routes, rules and ports',
    },
    {
      kind: 'up',
      in: place,
      link: 'lo',
      why: 'enable the loopback; the kernel assigns 127.0.0.1 and ::1',
    },
    {
      kind: 'sysctl',
      in: place,
      key: 'net/ipv4/ip_unprivileged_port_start',
      value: '0',
      why: 'allow ports below 1024: they are the container’s own',
    },
    {
      kind: 'sysctl',
      in: place,
      key: 'net/ipv4/ping_group_range',
      value: sandbox.owner === undefined ? '0 2147483647' : everyGroup(sandbox.owner.range),
      why: 'allow ping without a raw socket, for every group',
    },
  ];
}

/** All groups of a user namespace by their outer numbers, as the kernel expects in a write from outside. */
function everyGroup({ first, length }: SubordinateRange): string {
  return `${first} ${first + length - 1}`;
}

/**
 * `sysctl -qw KEY=VALUE` in the container, before it has links: a setting for all links must not enable a family that
 * the network disables. Settings of one link belong to its endpoint (`driver-opt`).
 */
export function sysctlSteps(sandbox: Sandbox, sysctls: readonly Sysctl[]): readonly SysctlStep[] {
  return sysctls.filter(isOfNetwork).map(({ key, value }) => ({
    kind: 'sysctl',
    in: namespaceOf(sandbox),
    key,
    value,
    asked: true,
    why: 'requested with --sysctl',
  }));
}

/**
 * Disables IPv6 on a link of a network without IPv6: a link-local address would bypass all IPv4 rules (CVE-2024-32473).
 *
 * @param families families of the kernel; with `ipv6.disable=1` the sysctl does not exist
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
      why: 'the network has no IPv6: no link-local address, no router advertisements',
    },
  ];
}

/** The families of a link: below 1280 bytes the kernel has no IPv6 and no such sysctl. RFC 8200, 5 */
export function familiesForMtu(mtuBytes: number | undefined, families: readonly Family[]): readonly Family[] {
  return families.filter((family) => family === 4 || mtuBytes === undefined || mtuBytes >= 1280);
}

/** The container's link of an endpoint, and its addresses. */
export interface EndpointLink {
  /** The container's link: `eth0`. */
  readonly link: string;
  readonly addresses: readonly Prefix[];
  /** Additional addresses outside of the network's subnets: `--link-local-ip`. */
  readonly linkLocalAddresses?: readonly Prefix[];
  /** With the link's name in the keys. */
  readonly sysctls?: readonly Sysctl[];
}

/**
 * Configures and enables a link.
 *
 *      ip -n C address add 172.17.0.2/16 dev eth0
 *      ip netns exec C sysctl -qw net/ipv4/conf/eth0/log_martians=1
 *      ip -n C link set eth0 up
 *
 * Sysctls come before the link is up, so that they apply to the first packet.
 */
export function configureLink(
  { link, addresses, linkLocalAddresses = [], sysctls = [] }: EndpointLink,
  sandbox: Sandbox,
): readonly Step[] {
  const place = namespaceOf(sandbox);
  const address = (prefix: Prefix, why: string): Step => ({ kind: 'address', in: place, link, prefix, why });
  return [
    ...addresses.map((prefix) => address(prefix, 'the container’s address')),
    ...linkLocalAddresses.map((prefix) => address(prefix, 'an additional link-local address')),
    ...sysctls.map(
      (setting): Step => ({ kind: 'sysctl', in: place, ...setting, asked: true, why: `requested for ${link}` }),
    ),
    { kind: 'up', in: place, link, why: 'enable the link' },
  ];
}
