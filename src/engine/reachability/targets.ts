/** What there is to ask of somebody: addresses and ports of the machine that lead there, and those of their own. */
import type { ModelTopology, Publication } from '../../firewall/model/topology.ts';
import {
  type Address,
  families,
  formatAddress,
  isAddress,
  isLinkLocal,
  isLoopback,
  isUnspecified,
  parseAddress,
} from '../../values/address.ts';
import type { Port } from '../../values/port.ts';
import { formatPort } from '../../values/port-grammar.ts';
import type { Context } from '../context.ts';
import type { ReachQuestion } from '../engine.ts';
import { type Asker, besides, stackOf } from './source.ts';

export interface Ask {
  readonly address: Address;
  /** `any`: one that is not published; undefined: a ping. */
  readonly port: Port | 'any' | undefined;
  /** The address is good inside the machine alone, and the asker is elsewhere. */
  readonly hidden: boolean;
}

/** @throws GangwayError container-not-found, container-not-running, not-supported */
export function asksOf(context: Context, world: ModelTopology, asker: Asker, question: ReachQuestion): readonly Ask[] {
  const { to, port, protocol } = question;
  const wanted = port === undefined || protocol === 'icmp' ? undefined : { port, protocol: protocol ?? 'tcp' };
  if (isAddress(to)) return [plainly(parseAddress(to), wanted)];
  const container = to === 'host' ? undefined : stackOf(context, to);
  if (container === undefined || container.stack === 'host') {
    return hostAddresses(world, asker).map((address) => plainly(address, wanted));
  }
  const { name, life } = container;
  const addresses = world.endpoints.filter((endpoint) => endpoint.container === name).flatMap((each) => each.addresses);
  if (addresses.length === 0 && life.plugs.length > 0) throw besides(name);
  const published = world.publications.filter((each) => {
    const { containerPort, protocol: of } = each.forward.binding;
    if (each.container !== name || protocol === 'icmp') return false;
    if (wanted !== undefined) return of === wanted.protocol && containerPort === wanted.port;
    return protocol === undefined || of === protocol;
  });
  return [
    ...published.flatMap((each) => byHostPort(asker, each)),
    ...addresses.flatMap((address) => directly(published, wanted, protocol).map((each) => plainly(address, each))),
  ];
}

function plainly(address: Address, port: Ask['port']): Ask {
  return { address, port, hidden: false };
}

/** The machine's own, as this asker would name them: not those of other networks' bridges. */
function hostAddresses(world: ModelTopology, asker: Asker): readonly Address[] {
  const near = families.flatMap((family) => asker.hostAddress(family) ?? []);
  const bridges = new Set(world.networks.map(({ policy }) => policy.bridge));
  const others = world.links
    .filter(({ name }) => name !== 'lo' && !bridges.has(name))
    .flatMap(({ addresses }) => addresses.map(({ address }) => address))
    .filter((address) => !isLinkLocal(address));
  return [...new Map([...near, ...others].map((address) => [formatAddress(address), address])).values()];
}

/** By a port of the machine; in a routed network there is none. */
function byHostPort(asker: Asker, { forward: { binding, routed } }: Publication): readonly Ask[] {
  if (routed === true) return [];
  const { hostAddress, hostPort, protocol } = binding;
  const address = isUnspecified(hostAddress) ? asker.hostAddress(hostAddress.family) : hostAddress;
  if (address === undefined) return [];
  return [{ address, port: { protocol, port: hostPort }, hidden: isLoopback(address) && asker.place !== 'host' }];
}

/** The ports of a container's own address. */
function directly(
  published: readonly Publication[],
  wanted: Port | undefined,
  protocol: ReachQuestion['protocol'],
): readonly Ask['port'][] {
  if (wanted !== undefined) return [wanted];
  if (protocol === 'icmp') return [undefined];
  const ports = published.map(({ forward: { binding } }) => {
    return { protocol: binding.protocol, port: binding.containerPort };
  });
  const each = [...new Map(ports.map((port) => [formatPort(port), port])).values()];
  return [...each, 'any', ...(protocol === undefined ? [undefined] : [])];
}
