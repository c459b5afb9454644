import { policyOf } from '../../networks/bridge.ts';
import type { Network } from '../../networks/network.ts';
import type { PolicyLookup } from '../../networks/port-mapping.ts';
import type { DefaultRoute } from '../../plan/step.ts';
import { type Address, type Family, network, type Prefix, sameAddress } from '../../values/address.ts';
import type { Forward, PortBinding } from '../../values/port.ts';
import type { Endpoints } from '../endpoint/routes.ts';
import { defaultPolicy } from '../store/network-lookup.ts';

/**
 * Where a published port leads: to the container's address on its way out, of the binding's own family where there is
 * one, else of the other, across which the switchboard carries.
 *
 * @returns undefined where the container has no way out, or one that does not lead through this machine (macvlan): then
 *   nobody comes in by a port of the machine either
 */
function targetOf(wired: Endpoints, ways: readonly DefaultRoute[], family: Family): Address | undefined {
  const inward = ways.filter((way) => networkOf(wired, way)?.kind === 'bridge');
  const way = inward.find((candidate) => candidate.family === family) ?? inward[0];
  const plug = wired.find(({ plug: { endpoint } }) => endpoint.link === way?.link)?.plug;
  return plug?.endpoint.addresses.find(({ address }) => address.family === way?.family)?.address;
}

/** Can a port of the machine lead to the container at all? */
export function canBePublished(wired: Endpoints, ways: readonly DefaultRoute[]): boolean {
  return targetOf(wired, ways, 4) !== undefined;
}

function networkOf(wired: Endpoints, { link }: DefaultRoute): Network | undefined {
  return wired.find(({ plug }) => plug.endpoint.link === link)?.record.network;
}

/** Where a port is bound whose request names no address, if the network on the IPv4 way out says so. */
export function hostBindingOf(wired: Endpoints, ways: readonly DefaultRoute[]): Address | undefined {
  const way = ways.find(({ family }) => family === 4);
  const driver = wired.find(({ plug }) => plug.endpoint.link === way?.link)?.record.request?.driver;
  return driver?.kind === 'bridge' ? driver.hostBinding : undefined;
}

/** Each binding with the address that it leads to. */
export function forwardsOf(
  wired: Endpoints,
  ways: readonly DefaultRoute[],
  bindings: readonly PortBinding[],
): readonly Forward[] {
  const destinations = destinationsOf(wired, ways);
  const near = subnetsOf(wired);
  return bindings.flatMap((binding): readonly Forward[] => {
    const destination = destinations[binding.hostAddress.family];
    if (destination === undefined) return [];
    return [{ binding, ...destination, ...(binding.clientAddress === 'transparent' && { near }) }];
  });
}

/** Where ports lead to that are published on addresses of each family: the same for thousands. */
export function destinationsOf(
  wired: Endpoints,
  ways: readonly DefaultRoute[],
): Readonly<Record<Family, Pick<Forward, 'target' | 'routed'> | undefined>> {
  const behind = policyLookup(wired);
  const destination = (family: Family) => {
    const target = targetOf(wired, ways, family);
    const routed = target !== undefined && behind(target).gatewayModes[target.family] === 'routed';
    return target && { target, ...(routed && { routed }) };
  };
  return { 4: destination(4), 6: destination(6) };
}

/** Those in which the container is itself. */
function subnetsOf(wired: Endpoints): readonly Prefix[] {
  return wired.flatMap(({ plug }) => plug.endpoint.addresses).map(network);
}

/** The network that an address of the container belongs to. */
export function policyLookup(wired: Endpoints): PolicyLookup {
  return (target) => {
    const found = wired.find(({ plug }) => plug.endpoint.addresses.some(({ address }) => sameAddress(address, target)));
    const network = found?.record.network;
    return network?.kind === 'bridge' ? policyOf(network) : { ...defaultPolicy, bridge: '' };
  };
}
