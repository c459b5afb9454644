/**
 * Who knows whom by which name: from the records to what each container's name server answers.
 *
 * Every container of a network is a member of its table, also one that does not run, whose name is then known and has no
 * address. The default bridge has a table, too: nobody is found by it there, but its names are not told to anybody outside.
 */
import { inOrder } from '../networks/gateway.ts';
import { linkOf } from '../networks/network.ts';
import {
  linkTable,
  type Member,
  type NameTable,
  nameTable,
  type Zone,
  type ZoneExit,
  type ZoneNetwork,
} from '../services/dns/zone.ts';
import { formatAddress, isLoopback } from '../values/address.ts';
import { allowsNames } from '../values/egress.ts';
import type { ConnectionRequest } from '../values/network.ts';
import type { Upstream } from '../values/resolver.ts';
import {
  allMeant,
  type ContainerRecord,
  isLiving,
  type Life,
  living,
  type Names,
  type NetworkRecord,
} from './record.ts';
import { exitsOf } from './wiring.ts';

/** A name server that is to run, and what it is to answer. */
export interface NameService {
  /** The container's id. */
  readonly owner: string;
  /** The container's name, for messages. */
  readonly name: string;
  /** The pin of its network namespace, and when the life began to which that belongs: the next one has the same pin. */
  readonly namespace: string;
  readonly startedAt: string;
  readonly zone: Zone;
}

/** Has this network names? The default bridge has none, as in Docker. */
export function hasNames({ network }: NetworkRecord): boolean {
  return network.name !== 'bridge';
}

/** What a container is called in a network, in Docker's order; the hostname may be one of the others. */
export function namesOf(
  { id, name, hostname }: Pick<ContainerRecord, 'id' | 'name' | 'hostname'>,
  aliases: readonly string[],
): readonly string[] {
  return [...new Set([name, ...aliases, id.slice(0, 12), hostname])];
}

function exitOf({ id, network }: NetworkRecord): ZoneExit {
  return {
    id,
    network: network.name,
    link: linkOf(network),
    ...(network.kind === 'bridge' && network.egress !== undefined ? { egress: network.egress } : {}),
  };
}

/**
 * Where a container may not speak to everybody, the machine asks for it: else the server that it has to ask would have to
 * be open to it, for questions of its own, and whatever they carry.
 */
function askedFromHere(upstream: Upstream): Upstream {
  return isLoopback(upstream.address) ? upstream : { ...upstream, place: 'host' };
}

/** The name servers of all containers that have one. */
export function nameServices(
  containers: readonly ContainerRecord[],
  networks: readonly NetworkRecord[],
  boot: string,
): readonly NameService[] {
  const known = new Known(containers, networks, boot);
  return living(containers, boot).flatMap(({ id, name, life }): readonly NameService[] => {
    const { namespace, startedAt } = life;
    if (life.names === undefined || namespace === undefined) return [];
    return [{ owner: id, name, namespace, startedAt, zone: known.zone(life, life.names) }];
  });
}

/** Everything that is known of names on this machine. */
class Known {
  readonly #tables: ReadonlyMap<string, NameTable>;
  readonly #machine: readonly NameTable[];
  /** By the network's id: the addresses of its containers. */
  readonly #seats: ReadonlyMap<string, readonly string[]>;

  constructor(
    readonly containers: readonly ContainerRecord[],
    readonly networks: readonly NetworkRecord[],
    readonly boot: string,
  ) {
    const members = new Map<string, Member[]>();
    for (const record of containers) {
      for (const { networkId, member } of this.#memberships(record)) {
        const others = members.get(networkId);
        if (others === undefined) members.set(networkId, [member]);
        else others.push(member);
      }
    }
    const tables = networks.map(({ id, network }) => [id, nameTable(network.name, members.get(id) ?? [])] as const);
    this.#tables = new Map(tables);
    this.#machine = tables.map(([, table]) => table);
    this.#seats = new Map(
      [...members].map(([id, all]) => [id, all.flatMap(({ addresses }) => addresses.map(formatAddress))]),
    );
  }

  zone({ plugs, routes }: Life, { resolver }: Names): Zone {
    const wired = plugs.flatMap((plug) => {
      const record = this.networks.find(({ id }) => id === plug.networkId);
      return record === undefined ? [] : [{ plug, record }];
    });
    const ordered = inOrder(exitsOf(wired));
    const exits = ordered.filter(({ ways }) => ways.length > 0).map(({ record }) => exitOf(record));
    return {
      networks: ordered
        .filter(({ record }) => hasNames(record))
        .flatMap(({ plug, record }): readonly ZoneNetwork[] => {
          const table = this.#tables.get(record.id);
          return table === undefined ? [] : [{ table, links: linkTable(this.#links(plug.request, record)) }];
        }),
      machine: this.#machine,
      wayOut: routes.length > 0,
      exits,
      upstreams: this.#upstreams(resolver.upstreams, exits, plugs),
      ndots: resolver.ndots.value,
    };
  }

  /** Where names open addresses, a server in a container to whom they are opened stays in there, and is not asked (explain.ts). */
  #upstreams(all: readonly Upstream[], exits: readonly ZoneExit[], plugs: Life['plugs']): readonly Upstream[] {
    if (exits.every(({ egress }) => egress === undefined)) return all;
    const named = exits.filter(({ egress }) => egress !== undefined && allowsNames(egress));
    const own = plugs.flatMap(({ endpoint }) => endpoint.addresses.map(({ address }) => formatAddress(address)));
    const within = new Set(named.length === 0 ? [] : [...own, ...named.flatMap(({ id }) => this.#seats.get(id) ?? [])]);
    return all.map((upstream) =>
      within.has(formatAddress(upstream.address)) ? { ...upstream, place: 'container' } : askedFromHere(upstream),
    );
  }

  /** The networks of a container, with its names and addresses in each. */
  #memberships(record: ContainerRecord): readonly { readonly networkId: string; readonly member: Member }[] {
    const { network: mode } = record;
    if (isLiving(record, this.boot)) {
      return record.life.plugs.map(({ networkId, request, endpoint }) => ({
        networkId,
        member: {
          names: namesOf(record, request.aliases),
          addresses: endpoint.addresses.map(({ address }) => address),
        },
      }));
    }
    if (mode.kind !== 'networks') return [];
    return mode.connections.flatMap(({ network, aliases }) => {
      const found = this.networks.find((other) => other.network.name === network);
      return found === undefined
        ? []
        : [{ networkId: found.id, member: { names: namesOf(record, aliases), addresses: [] } }];
    });
  }

  /** What a container calls others, where those are in the same network. Where several may be meant, nobody is. */
  #links({ links }: ConnectionRequest, network: NetworkRecord): readonly Member[] {
    return links.flatMap(({ container, alias }): readonly Member[] => {
      const [target, ...more] = allMeant(this.containers, ({ name }) => name, container);
      if (target === undefined || more.length > 0) return [];
      const found = this.#memberships(target).find(({ networkId }) => networkId === network.id);
      return found === undefined ? [] : [{ names: [alias], addresses: found.member.addresses }];
    });
  }
}
