/** Who asks: by the words of a person, and with what the model has to know of the way that they take. */
import { type Dropped, dropped } from '../../firewall/model/answer.ts';
import {
  endpointAt,
  familyName,
  hostAddressTowards,
  isHostAddress,
  isInSubnets,
  type ModelTopology,
  type Origin,
  routeLink,
} from '../../firewall/model/topology.ts';
import type { NamespaceRef } from '../../plan/namespace-ref.ts';
import {
  type Address,
  type Family,
  formatAddress,
  isAddress,
  network,
  offset,
  parseAddress,
  sameAddress,
  unspecified,
} from '../../values/address.ts';
import { GangwayError } from '../../values/errors.ts';
import { isAlive, notRunning } from '../container-state.ts';
import type { Context } from '../context.ts';
import type { Run } from '../store/record.ts';

export interface Asker {
  /** Where a probe would be sent from; undefined for who is on another machine. */
  readonly place: NamespaceRef | undefined;
  /** The address that it binds itself to. */
  readonly source?: Address;
  /** The way to an address, or why there is none. */
  to(address: Address): Origin | Dropped;
  /** The machine's address that this one would ask for a port that is published on all of them. */
  hostAddress(family: Family): Address | undefined;
}

/**
 * @param text `host`, `outside`, an address, or a container
 * @throws GangwayError container-not-found, container-not-running, not-supported
 */
export function askerOf(context: Context, world: ModelTopology, text: string): Asker {
  if (text === 'host') return host();
  if (text === 'outside') return outsider(world, (family) => standIn(world, family));
  if (!isAddress(text)) return containerNamed(context, world, text);
  const address = parseAddress(text);
  const there = endpointAt(world, address);
  if (there !== undefined) return containerNamed(context, world, there.container);
  if (isHostAddress(world, address)) return host(address);
  if (world.networks.some((each) => isInSubnets(each, address))) throw nobodyAt(address);
  return outsider(world, (family) => (address.family === family ? address : undefined));
}

function nobodyAt(address: Address): GangwayError {
  return new GangwayError('container-not-found', `no container has the address ${formatAddress(address)}`, {
    hint: '`gangway network inspect` lists those of a network',
  });
}

function host(source?: Address): Asker {
  return {
    place: 'host',
    ...(source === undefined ? {} : { source }),
    to: () => ({ kind: 'host', ...(source === undefined ? {} : { source }) }),
    hostAddress: (family) => source ?? { family, value: family === 4 ? 0x7f000001n : 1n },
  };
}

function outsider(world: ModelTopology, sourceFor: (family: Family) => Address | undefined): Asker {
  const linkFor = (family: Family) => {
    const source = sourceFor(family);
    return source === undefined ? undefined : routeLink(world, source);
  };
  return {
    place: undefined,
    to({ family }) {
      const [source, link] = [sourceFor(family), linkFor(family)];
      if (source !== undefined && link !== undefined) return { kind: 'outside', link, source };
      return dropped('no-way', `no ${familyName(family)} reaches this machine from there`, []);
    },
    hostAddress(family) {
      const [source, link] = [sourceFor(family), linkFor(family)];
      return source === undefined || link === undefined ? undefined : hostAddressTowards(world, link, source);
    },
  };
}

/** A neighbour on the wire by which the default route leaves, or on any other one: nobody in particular. */
function standIn(world: ModelTopology, family: Family): Address | undefined {
  const bridges = new Set(world.networks.map(({ policy }) => policy.bridge));
  const uplink = routeLink(world, unspecified(family));
  const wires = world.links
    .filter(({ name }) => name !== 'lo' && !bridges.has(name))
    .toSorted((a, b) => Number(b.name === uplink) - Number(a.name === uplink));
  for (const { name, addresses } of wires) {
    const own = hostAddressTowards(world, name, unspecified(family));
    const prefix = addresses.find(({ address }) => sameAddress(address, own));
    if (prefix === undefined) continue;
    const first = offset(network(prefix).address, 1);
    return isHostAddress(world, first) ? offset(first, 1) : first;
  }
  return undefined;
}

/** @throws GangwayError container-not-found, container-not-running, not-supported */
function containerNamed(context: Context, world: ModelTopology, reference: string): Asker {
  const { name, life, stack } = stackOf(context, reference);
  if (stack === 'host') return host();
  const own = world.endpoints.filter(({ container }) => container === name);
  // The world was looked at after the record: it may have ended in between.
  if (own.length === 0 && !isAlive(life)) throw notRunning(name);
  if (own.length === 0 && life.plugs.length > 0) throw besides(name);
  const networkFor = (address: Address) => {
    const having = own.filter(({ addresses }) => addresses.some(({ family }) => family === address.family));
    const neighbour = having.find((endpoint) => {
      return world.networks.some((each) => each.name === endpoint.network && isInSubnets(each, address));
    });
    return neighbour?.network ?? wayOut(context, life, address.family) ?? having[0]?.network;
  };
  return {
    place: life.namespace === undefined ? undefined : { namespace: life.namespace },
    to(address) {
      const found = networkFor(address);
      if (found !== undefined) return { kind: 'container', container: name, network: found };
      return dropped('no-way', `${name} is in no network that has ${familyName(address.family)}`, []);
    },
    hostAddress(family) {
      const found = networkFor(unspecified(family));
      const bridge = world.networks.find((each) => each.name === found)?.policy.bridge;
      return bridge === undefined ? undefined : hostAddressTowards(world, bridge, unspecified(family));
    },
  };
}

/** The network of the default route. */
function wayOut({ records }: Context, { routes, plugs }: Run, family: Family): string | undefined {
  const link = routes.find((route) => route.family === family)?.link;
  const id = plugs.find(({ endpoint }) => endpoint.link === link)?.networkId;
  return records.networkById(id)?.network.name;
}

/**
 * Whose network stack a container lives in, which may be another one's, or the machine's.
 *
 * @throws GangwayError container-not-found, container-not-running
 */
export function stackOf({ records }: Context, reference: string) {
  const asked = records.container(reference);
  const owner = asked.life?.joined === undefined ? asked : records.container(asked.life.joined);
  const { name, life, network: mode } = owner;
  if (life === undefined || !isAlive(life)) throw notRunning(asked.name);
  return { name, life, stack: mode.kind === 'host' ? ('host' as const) : ('own' as const) };
}

/** A macvlan or an ipvlan leads past the machine's rules. */
export function besides(name: string): GangwayError {
  return new GangwayError(
    'not-supported',
    `container ${name} is on no bridge: what it sends and gets does not pass the rules of this machine`,
    { hint: 'ask the wire: ping, or curl' },
  );
}
