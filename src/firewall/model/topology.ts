/**
 * The model's input: the networks, containers, links and routes of a host, from the records and the kernel. Rules and
 * set elements are not part of it.
 */
import {
  type Address,
  contains,
  type Family,
  isLinkLocal,
  isLoopback,
  isUnspecified,
  type Prefix,
  sameAddress,
} from '../../values/address.ts';
import type { EgressEntry } from '../../values/egress.ts';
import { type Forward, isTranslated, type Port } from '../../values/port.ts';
import type { NetworkPolicy } from '../policy.ts';

export interface ModelTopology {
  /** All links, including gangway's bridges. */
  readonly links: readonly HostLink[];
  /** Own subnets, and networks behind gateways. */
  readonly routes: readonly HostRoute[];
  /** Families in which the host forwards packets. */
  readonly forwarding: readonly Family[];
  /** Families in which it forwards for containers only. */
  readonly closedTransit: readonly Family[];
  readonly networks: readonly ModelNetwork[];
  readonly endpoints: readonly ModelEndpoint[];
  readonly publications: readonly Publication[];
  /** Does the switchboard proxy what the kernel can't translate? */
  readonly switchboard: boolean;
}

export interface HostLink {
  readonly name: string;
  /** The first one of a family is the source of outgoing packets. */
  readonly addresses: readonly Prefix[];
}

export interface HostRoute {
  readonly destination: Prefix;
  readonly link: string;
}

export interface ModelNetwork {
  readonly name: string;
  readonly policy: NetworkPolicy;
  /** Unexpired addresses from DNS answers for allowed names. */
  readonly learned?: readonly EgressEntry[];
}

export interface ModelEndpoint {
  readonly container: string;
  readonly network: string;
  readonly addresses: readonly Address[];
}

export interface Publication {
  readonly container: string;
  readonly forward: Forward;
}

/** The source of an attempt: an external client, a process of the host, or one of a container through a network. */
export type Origin =
  | { readonly kind: 'outside'; readonly link: string; readonly source: Address }
  | { readonly kind: 'host'; readonly source?: Address }
  | { readonly kind: 'container'; readonly container: string; readonly network: string; readonly source?: Address };

/** The beginning of a connection, the first datagram to a port, or a ping. */
export interface Attempt {
  readonly from: Origin;
  readonly to: Address;
  /** Absent: a ping. */
  readonly port?: Port;
  /** The mark that a user rule sets. */
  readonly mark?: number;
}

export function familyName(family: Family): string {
  return `IPv${family}`;
}

export function hasFamily({ policy }: ModelNetwork, family: Family): boolean {
  return policy.subnets.some(({ address }) => address.family === family);
}

export function isInSubnets({ policy }: ModelNetwork, address: Address): boolean {
  return policy.subnets.some((subnet) => contains(subnet, address));
}

/** The network of an address. The host has no route to an isolated network. */
export function networkOf({ networks }: ModelTopology, address: Address): ModelNetwork | undefined {
  return networks.find(
    (network) => isInSubnets(network, address) && network.policy.gatewayModes[address.family] !== 'isolated',
  );
}

export function networkOn({ networks }: ModelTopology, link: string | undefined): ModelNetwork | undefined {
  return networks.find(({ policy }) => policy.bridge === link);
}

export function networkNamed({ networks }: ModelTopology, name: string): ModelNetwork {
  const found = networks.find((network) => network.name === name);
  if (found === undefined) throw new TypeError(`the topology has no network ${name}`);
  return found;
}

export function endpointAt({ endpoints }: ModelTopology, address: Address): ModelEndpoint | undefined {
  return endpoints.find(({ addresses }) => addresses.some((own) => sameAddress(own, address)));
}

/** A host address counts on every link. */
export function isHostAddress({ links }: ModelTopology, address: Address): boolean {
  return (
    isLoopback(address) || links.some(({ addresses }) => addresses.some((own) => sameAddress(own.address, address)))
  );
}

export function isLinkAddress({ links }: ModelTopology, link: string, address: Address): boolean {
  return links.some(
    ({ name, addresses }) => name === link && addresses.some((own) => sameAddress(own.address, address)),
  );
}

/** The link of the narrowest route to an address. */
export function routeLink({ routes }: ModelTopology, address: Address): string | undefined {
  const [best] = routes
    .filter(({ destination }) => contains(destination, address))
    .toSorted((a, b) => b.destination.length - a.destination.length);
  return best?.link;
}

/** The host's address on a link that it uses towards a peer: preferably one of the peer's subnet. */
export function hostAddressTowards({ links }: ModelTopology, link: string, peer: Address): Address | undefined {
  const own = links
    .filter(({ name }) => name === link)
    .flatMap(({ addresses }) => addresses)
    .filter(({ address }) => address.family === peer.family && !(peer.family === 6 && isLinkLocal(address)));
  return (own.find((prefix) => contains(prefix, peer)) ?? own[0])?.address;
}

/** The publication of a host port. A binding to one address takes precedence over one to all. */
export function publicationOf(
  publications: readonly Publication[],
  to: Address,
  { protocol, port }: Port,
): Publication | undefined {
  const matching = publications.filter(
    ({ forward: { binding } }) =>
      binding.protocol === protocol && binding.hostPort === port && binding.hostAddress.family === to.family,
  );
  return (
    matching.find(({ forward: { binding } }) => sameAddress(binding.hostAddress, to)) ??
    matching.find(({ forward: { binding } }) => isUnspecified(binding.hostAddress))
  );
}

/** Is this container port published to other hosts? A port on loopback is not. */
export function isPublished({ publications }: ModelTopology, target: Address, { protocol, port }: Port): boolean {
  return publications.some(
    ({ forward: { binding, target: published } }) =>
      sameAddress(published, target) &&
      binding.protocol === protocol &&
      binding.containerPort === port &&
      isTranslated(binding, target),
  );
}
