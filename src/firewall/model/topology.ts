/**
 * What the model of the firewall is told: the facts of a machine, as the records and the kernel have them. No rule and no
 * element of a set is among them.
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
  /** Of the machine, its bridges among them. */
  readonly links: readonly HostLink[];
  /** Of the machine: its own subnets, and what lies behind gateways. */
  readonly routes: readonly HostRoute[];
  /** Those in which the machine passes on what is not its own. */
  readonly forwarding: readonly Family[];
  /** Those in which it does so for our containers alone. */
  readonly closedTransit: readonly Family[];
  readonly networks: readonly ModelNetwork[];
  readonly endpoints: readonly ModelEndpoint[];
  readonly publications: readonly Publication[];
  /** Do the sockets of the switchboard carry what the kernel can't translate? */
  readonly switchboard: boolean;
}

export interface HostLink {
  readonly name: string;
  /** The first one of a family is the one that it lends. */
  readonly addresses: readonly Prefix[];
}

export interface HostRoute {
  readonly destination: Prefix;
  readonly link: string;
}

export interface ModelNetwork {
  readonly name: string;
  readonly policy: NetworkPolicy;
  /** What answers for allowed names have told, as long as they hold. */
  readonly learned?: readonly EgressEntry[];
}

/** A container's place in a network. */
export interface ModelEndpoint {
  readonly container: string;
  readonly network: string;
  readonly addresses: readonly Address[];
}

export interface Publication {
  readonly container: string;
  readonly forward: Forward;
}

/** Who tries: somebody on a wire, a process of the machine, or one of a container that has chosen a network for its way. */
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
  /** What a rule of the machine's owner marks it with. */
  readonly mark?: number;
}

/** A person's words for a family. */
export function familyName(family: Family): string {
  return `IPv${family}`;
}

/** Does the network have this family? */
export function hasFamily({ policy }: ModelNetwork, family: Family): boolean {
  return policy.subnets.some(({ address }) => address.family === family);
}

export function isInSubnets({ policy }: ModelNetwork, address: Address): boolean {
  return policy.subnets.some((subnet) => contains(subnet, address));
}

/** The network behind whose bridge this address lives. On an isolated bridge the machine knows of nobody. */
export function networkOf({ networks }: ModelTopology, address: Address): ModelNetwork | undefined {
  return networks.find(
    (network) => isInSubnets(network, address) && network.policy.gatewayModes[address.family] !== 'isolated',
  );
}

/** The network whose bridge this link is. */
export function networkOn({ networks }: ModelTopology, link: string | undefined): ModelNetwork | undefined {
  return networks.find(({ policy }) => policy.bridge === link);
}

export function networkNamed({ networks }: ModelTopology, name: string): ModelNetwork {
  const found = networks.find((network) => network.name === name);
  if (found === undefined) throw new TypeError(`the world has no network ${name}`);
  return found;
}

export function endpointAt({ endpoints }: ModelTopology, address: Address): ModelEndpoint | undefined {
  return endpoints.find(({ addresses }) => addresses.some((own) => sameAddress(own, address)));
}

/** An address of the machine counts as such on whichever link a packet arrives. */
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

/** By which link the machine sends to an address: that of the narrowest route. */
export function routeLink({ routes }: ModelTopology, address: Address): string | undefined {
  const [best] = routes
    .filter(({ destination }) => contains(destination, address))
    .toSorted((a, b) => b.destination.length - a.destination.length);
  return best?.link;
}

/** What the machine itself is called on this link by who has this address: a neighbour's prefix first. */
export function hostAddressTowards({ links }: ModelTopology, link: string, peer: Address): Address | undefined {
  const own = links
    .filter(({ name }) => name === link)
    .flatMap(({ addresses }) => addresses)
    .filter(({ address }) => address.family === peer.family && !(peer.family === 6 && isLinkLocal(address)));
  return (own.find((prefix) => contains(prefix, peer)) ?? own[0])?.address;
}

/** The port of a container that this port of the machine means, whoever leads there. The narrower binding counts. */
export function publicationOf(
  publications: readonly Publication[],
  to: Address,
  { protocol, port }: Port,
): Publication | undefined {
  const meant = publications.filter(
    ({ forward: { binding } }) =>
      binding.protocol === protocol && binding.hostPort === port && binding.hostAddress.family === to.family,
  );
  return (
    meant.find(({ forward: { binding } }) => sameAddress(binding.hostAddress, to)) ??
    meant.find(({ forward: { binding } }) => isUnspecified(binding.hostAddress))
  );
}

/** Is this port of the container published to who comes to the container's own address? Not so by a port on loopback. */
export function isPublished({ publications }: ModelTopology, target: Address, { protocol, port }: Port): boolean {
  return publications.some(
    ({ forward: { binding, target: published } }) =>
      sameAddress(published, target) &&
      binding.protocol === protocol &&
      binding.containerPort === port &&
      isTranslated(binding, target),
  );
}
