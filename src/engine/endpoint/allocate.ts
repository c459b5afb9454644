/** A container's plugs: which addresses, links and MACs they get. Everything is chosen before anything is made. */
import { bootId } from '../../kernel/boot.ts';
import type { Endpoint } from '../../networks/bridge.ts';
import { attachEndpoint, type Network } from '../../networks/network.ts';
import type { Sandbox } from '../../networks/sandbox.ts';
import { checkAddress, chooseAddress, isFree, refuseInUse } from '../../services/ipam.ts';
import {
  type Address,
  contains,
  type Family,
  families,
  formatAddress,
  formatPrefix,
  type Prefix,
} from '../../values/address.ts';
import { GangwayError } from '../../values/errors.ts';
import { macOf } from '../../values/mac.ts';
import type { ConnectionRequest } from '../../values/network.ts';
import type { Context } from '../context.ts';
import { kernelBridgeFilter, kernelFamilies, machineAddresses } from '../host-facts.ts';
import {
  type ContainerRecord,
  containersWithRun,
  type EndpointRecord,
  type HeldAddress,
  type NetworkRecord,
} from '../store/record.ts';

/** What a new plug has to know of the container that it is for. */
export interface Slot {
  /** The container's id. What it has itself is in nobody's way. */
  readonly owner: string;
  readonly sandbox: Sandbox;
  /** The links that it has, and those that its other plugs are to have. */
  readonly links: readonly string[];
  /** What it had when it ran before. */
  readonly had?: readonly HeldAddress[];
  /** It wants no IPv6, whatever the network has. */
  readonly withoutIpv6: boolean;
}

export interface DraftedPlug {
  readonly plug: EndpointRecord;
  readonly record: NetworkRecord;
  /** Of the network and each family, the address that it gets. */
  readonly cursors: Readonly<Record<string, Address>>;
}

/**
 * A plug for a container in a network, not yet made.
 *
 * @throws GangwayError pool-exhausted; address-in-use, invalid-address and invalid-network for what was asked for and
 *   can't be had in this network
 */
export function allocateEndpoint(
  context: Context,
  record: NetworkRecord,
  request: ConnectionRequest,
  slot: Slot,
): DraftedPlug {
  const { id } = record;
  const network = slot.withoutIpv6 ? onlyIpv4(record.network) : record.network;
  refuseImpossible(network, request, slot);
  const used = [
    ...usedAddresses(
      context.records.everyHolder().filter((container) => container.id !== slot.owner),
      id,
    ),
    // On a wire that it shares with its containers the machine has addresses, too.
    ...(network.kind === 'bridge' ? [] : machineAddresses(context.host().route)),
  ];
  const cursors = context.records.machine().cursors ?? {};
  const given: Record<string, Address> = {};
  const addresses = subnetsFor(network, request.addresses).map(({ subnet, wanted }): Prefix => {
    const key = `${id}/${subnet.subnet.address.family}`;
    if (wanted !== undefined) {
      checkAddress(subnet, wanted, used);
      return { address: wanted, length: subnet.subnet.length };
    }
    const had = slot.had?.find((held) => held.networkId === id && held.address.family === subnet.subnet.address.family);
    if (had !== undefined && isFree(subnet, had.address, used)) {
      return { address: had.address, length: subnet.subnet.length };
    }
    const address = chooseAddress(subnet, used, cursors[key]);
    given[key] = address;
    return { address, length: subnet.subnet.length };
  });
  for (const wanted of request.linkLocalAddresses) refuseInUse(wanted, used);
  const endpoint = draftEndpoint(context, record, slot, { request, addresses });
  const steps = attachEndpoint(network, endpoint, slot.sandbox, kernelFamilies());
  return { plug: { networkId: id, request, endpoint, steps }, record, cursors: given };
}

/**
 * A plug for a container that does not run: what can't ever be had is refused now, and what is taken when it starts.
 *
 * @throws GangwayError invalid-address, address-in-use, invalid-network
 */
export function checkEndpoint(
  record: NetworkRecord,
  request: ConnectionRequest,
  slot: Pick<Slot, 'links' | 'withoutIpv6'>,
): void {
  const network = slot.withoutIpv6 ? onlyIpv4(record.network) : record.network;
  refuseImpossible(network, request, slot);
  for (const { subnet, wanted } of subnetsFor(network, request.addresses)) {
    if (wanted !== undefined) checkAddress(subnet, wanted, []);
  }
}

/** @throws GangwayError invalid-network */
function refuseImpossible(network: Network, request: ConnectionRequest, { links }: Pick<Slot, 'links'>): void {
  const { link, mac, linkLocalAddresses } = request;
  if (link !== undefined && links.includes(link)) {
    throw impossible(
      `link ${link} can't be that of network ${network.name}: the container has another one of this name`,
    );
  }
  if (mac !== undefined && (network.kind === 'ipvlan' || (network.kind === 'macvlan' && network.mode === 'passthru'))) {
    throw impossible(
      `a container in network ${network.name} can't have MAC ${mac}: it has that of ${network.parent.link}`,
    );
  }
  const stray = linkLocalAddresses.find((address) => !has(network, address.family));
  if (stray === undefined) return;
  throw impossible(`address ${formatAddress(stray)} is IPv${stray.family}, which network ${network.name} doesn't have`);
}

/** The network as a container has it that switched IPv6 off: also its cable is closed to it. */
function onlyIpv4<N extends Network>(network: N): N {
  return { ...network, subnets: network.subnets.filter(({ subnet }) => subnet.address.family === 4) };
}

function impossible(message: string): GangwayError {
  return new GangwayError('invalid-network', message, { hint: 'leave it out, or choose another one' });
}

function has({ subnets }: Network, family: Family): boolean {
  return subnets.some(({ subnet }) => subnet.address.family === family);
}

/** One subnet a family: that of the wanted address, else the first one. */
function subnetsFor({ name, subnets }: Network, wanted: readonly Address[]) {
  const stray = wanted.find((address) => !subnets.some(({ subnet }) => contains(subnet, address)));
  if (stray !== undefined) {
    const whole = subnets.map(({ subnet }) => formatPrefix(subnet)).join(' and ');
    throw new GangwayError('invalid-address', `address ${formatAddress(stray)} is in no subnet of network ${name}`, {
      hint: `choose one in ${whole}`,
    });
  }
  return families.flatMap((family) => {
    const own = subnets.filter(({ subnet }) => subnet.address.family === family);
    const address = wanted.find((candidate) => candidate.family === family);
    const subnet = address === undefined ? own[0] : own.find((candidate) => contains(candidate.subnet, address));
    return subnet === undefined ? [] : [{ subnet, wanted: address }];
  });
}

function draftEndpoint(
  { identities }: Context,
  record: NetworkRecord,
  { links }: Slot,
  { request, addresses }: { readonly request: ConnectionRequest; readonly addresses: readonly Prefix[] },
): Endpoint {
  const id = identities.id();
  const [first] = addresses;
  const link = request.link ?? freeLink(links, record.request?.driver.linkPrefix ?? 'eth');
  return {
    id,
    ...(record.network.kind === 'bridge' ? { hostLink: `veth${id.slice(0, 7)}` } : {}),
    ...(isApart(record) ? { isolated: true } : {}),
    link,
    mac: request.mac ?? (first === undefined ? identities.mac() : macOf(first.address)),
    addresses,
    linkLocalAddresses: request.linkLocalAddresses.map(onItsWire),
    sysctls: request.sysctls.map(({ key, value }) => ({ key: key.replace('IFNAME', link), value })),
  };
}

/** Where the kernel's bridges ask no rules, it is the bridge itself that keeps its ports apart. */
function isApart({ network }: NetworkRecord): boolean {
  return network.kind === 'bridge' && !network.interContainer && !kernelBridgeFilter();
}

/** The lengths that docker gives them, be they of the link-local blocks or not. @see RFC 3927, RFC 4291 section 2.5.6 */
function onItsWire(address: Address): Prefix {
  return { address, length: address.family === 4 ? 16 : 64 };
}

/** The prefix, and the lowest number that no other link has. */
function freeLink(links: readonly string[], prefix: string): string {
  for (let number = 0; ; number++) if (!links.includes(`${prefix}${number}`)) return `${prefix}${number}`;
}

/** Those that containers have in a network. */
export function usedAddresses(containers: readonly ContainerRecord[], networkId: string): readonly Address[] {
  return containersWithRun(containers, bootId())
    .flatMap(({ life }) => life.plugs)
    .filter((plug) => plug.networkId === networkId)
    .flatMap(({ endpoint: { addresses, linkLocalAddresses = [] } }) => [...addresses, ...linkLocalAddresses])
    .map(({ address }) => address);
}
