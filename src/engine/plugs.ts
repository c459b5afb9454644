/** A container's plugs: which addresses, links and MACs they get. Everything is chosen before anything is made. */
import { existsSync } from 'node:fs';
import { listAddresses } from '../kernel/address.ts';
import type { Endpoint } from '../networks/bridge.ts';
import { plugIn } from '../networks/network.ts';
import type { Sandbox } from '../networks/none.ts';
import { checkAddress, chooseAddress } from '../services/ipam.ts';
import { type Address, contains, formatAddress, type Prefix } from '../values/address.ts';
import { GangwayError } from '../values/errors.ts';
import { macOf } from '../values/mac.ts';
import type { ConnectionRequest, Subnet } from '../values/network.ts';
import type { Context } from './context.ts';
import type { ContainerRecord, NetworkRecord, Plug } from './record.ts';

/** What a new plug has to know of the container that it is for. */
export interface Slot {
  readonly sandbox: Sandbox;
  /** The plugs that it has. */
  readonly plugs: readonly Plug[];
}

export interface DraftedPlug {
  readonly plug: Plug;
  readonly record: NetworkRecord;
  /** Of the network and each family, the address that it gets. */
  readonly cursors: Readonly<Record<string, Address>>;
}

/**
 * A plug for a container in a network, not yet made.
 *
 * @throws GangwayError pool-exhausted; address-in-use and invalid-address for an address that was asked for
 */
export function draftPlug(
  context: Context,
  record: NetworkRecord,
  request: ConnectionRequest,
  slot: Slot,
): DraftedPlug {
  const { id, network } = record;
  const used = [
    ...usedAddresses(context.records.everyContainer(), id),
    ...(network.kind === 'bridge' ? [] : machineAddresses(context)),
  ];
  const cursors = context.records.machine().cursors ?? {};
  const given: Record<string, Address> = {};
  const addresses = subnetsFor(network.subnets, request.addresses).map(({ subnet, wanted }): Prefix => {
    const key = `${id}/${subnet.subnet.address.family}`;
    if (wanted !== undefined) {
      checkAddress(subnet, wanted, used);
      return { address: wanted, length: subnet.subnet.length };
    }
    const address = chooseAddress(subnet, used, cursors[key]);
    given[key] = address;
    return { address, length: subnet.subnet.length };
  });
  const endpoint = draftEndpoint(context, record, slot, { request, addresses });
  const steps = plugIn(network, endpoint, slot.sandbox);
  return { plug: { networkId: id, request, endpoint, steps }, record, cursors: given };
}

/** One subnet a family: that of the wanted address, else the first one. */
function subnetsFor(subnets: readonly Subnet[], wanted: readonly Address[]) {
  const stray = wanted.find((address) => !subnets.some(({ subnet }) => contains(subnet, address)));
  if (stray !== undefined) {
    throw new GangwayError('invalid-address', `no subnet of the network contains the address ${formatAddress(stray)}`, {
      hint: '`gangway network inspect` shows its subnets',
    });
  }
  return ([4, 6] as const).flatMap((family) => {
    const own = subnets.filter(({ subnet }) => subnet.address.family === family);
    const address = wanted.find((candidate) => candidate.family === family);
    const subnet = address === undefined ? own[0] : own.find((candidate) => contains(candidate.subnet, address));
    return subnet === undefined ? [] : [{ subnet, wanted: address }];
  });
}

function draftEndpoint(
  { identities }: Context,
  record: NetworkRecord,
  { plugs }: Slot,
  { request, addresses }: { readonly request: ConnectionRequest; readonly addresses: readonly Prefix[] },
): Endpoint {
  const id = identities.id();
  const [first] = addresses;
  return {
    id,
    ...(record.network.kind === 'bridge' ? { hostLink: `veth${id.slice(0, 7)}` } : {}),
    ...(isApart(record) ? { isolated: true } : {}),
    link: request.link ?? freeLink(plugs, record.request?.driver.linkPrefix ?? 'eth'),
    mac: request.mac ?? (first === undefined ? identities.mac() : macOf(first.address)),
    addresses,
  };
}

/** Where the kernel's bridges ask no rules, it is the bridge itself that keeps its ports apart. */
function isApart({ network }: NetworkRecord): boolean {
  return network.kind === 'bridge' && !network.interContainer && !existsSync('/proc/sys/net/bridge');
}

/** The prefix, and the lowest number that no plug has. */
function freeLink(plugs: readonly Plug[], prefix: string): string {
  const taken = new Set(plugs.map(({ endpoint }) => endpoint.link));
  for (let number = 0; ; number++) if (!taken.has(`${prefix}${number}`)) return `${prefix}${number}`;
}

/** On a wire that it shares with its containers the machine has addresses, too. */
function machineAddresses({ host }: Context): readonly Address[] {
  return listAddresses(host().route).map(({ prefix }) => prefix.address);
}

function usedAddresses(containers: readonly ContainerRecord[], networkId: string): readonly Address[] {
  return containers
    .flatMap(({ life }) => life?.plugs ?? [])
    .filter((plug) => plug.networkId === networkId)
    .flatMap(({ endpoint }) => endpoint.addresses.map(({ address }) => address));
}
