/**
 * Who knows whom by which name: from the records to what each container's name server answers.
 *
 * Every container of a network is a member of its table, also one that does not run, whose name is then known and has no
 * address. The default bridge has a table, too: nobody is found by it there, but its names are not told to anybody outside.
 */
import { bootId } from '../../kernel/boot.ts';
import { byRoutePriority } from '../../networks/default-route.ts';
import { linkOf } from '../../networks/network.ts';
import { withHostPort } from '../../networks/port-mapping.ts';
import {
  linkTable,
  type Member,
  type NameTable,
  nameTable,
  type Zone,
  type ZoneExit,
  type ZoneNetwork,
} from '../../services/dns/zone.ts';
import { type Address, formatAddress, isLoopback, isUnspecified, sameAddress } from '../../values/address.ts';
import { allowsNames } from '../../values/egress.ts';
import type { PortRun } from '../../values/forward-set.ts';
import { grouped } from '../../values/grouped.ts';
import { shortId } from '../../values/id.ts';
import type { ConnectionRequest } from '../../values/network.ts';
import { type Upstream, upstreamPort } from '../../values/resolver.ts';
import type { Context } from '../context.ts';
import { routeCandidates } from '../endpoint/routes.ts';
import { machineAddresses } from '../host-facts.ts';
import {
  type ContainerRecord,
  containersWithRun,
  hasRun,
  matchReferences,
  type NameServerRecord,
  type NetworkRecord,
  type Run,
} from '../store/record.ts';

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
export function hasDns({ network }: NetworkRecord): boolean {
  return network.name !== 'bridge';
}

/** What a container is called in a network, in Docker's order; the hostname may be one of the others. */
export function namesOf(
  { id, name, hostname }: Pick<ContainerRecord, 'id' | 'name' | 'hostname'>,
  aliases: readonly string[],
): readonly string[] {
  return [...new Set([name, ...aliases, shortId(id), hostname])];
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

/** Where a question for a name comes to one of a network's containers. */
interface ServerAddresses {
  /** Their own addresses. */
  readonly own: ReadonlySet<string>;
  /** Those of the machine, or all of a family, of which they have published the port of names. */
  readonly published: readonly Address[];
}

function serverAddresses(lives: readonly Run[]): ServerAddresses {
  const addresses = lives.flatMap(({ plugs }) => plugs.flatMap(({ endpoint }) => endpoint.addresses));
  return {
    own: new Set(addresses.map(({ address }) => formatAddress(address))),
    published: lives.flatMap(({ forwards }) =>
      withHostPort(forwards)
        .filter(({ protocol, ports }) => protocol !== 'sctp' && ports.some(hasNamePort))
        .map(({ hostAddress }) => hostAddress),
    ),
  };
}

function hasNamePort({ hostPort, count }: PortRun): boolean {
  return hostPort <= upstreamPort && upstreamPort < hostPort + count;
}

/**
 * The name servers of all containers that have one.
 *
 * @param machineAddresses asked for where they count
 */
export function nameServices(
  containers: readonly ContainerRecord[],
  networks: readonly NetworkRecord[],
  boot: string,
  machineAddresses: () => readonly Address[],
): readonly NameService[] {
  const known = new ZoneBuilder(containers, networks, boot, machineAddresses);
  return containersWithRun(containers, boot).flatMap(({ id, name, life }): readonly NameService[] => {
    const { namespace, startedAt } = life;
    if (life.names === undefined || namespace === undefined) return [];
    return [{ owner: id, name, namespace, startedAt, zone: known.zone(life, life.names) }];
  });
}

/** Everything that is known of names on this machine. */
class ZoneBuilder {
  readonly #tables: ReadonlyMap<string, NameTable>;
  readonly #machine: readonly NameTable[];
  /** By the network's id, of those that open addresses by name. */
  readonly #seats: ReadonlyMap<string, ServerAddresses>;
  #addresses: readonly Address[] | undefined;

  constructor(
    readonly containers: readonly ContainerRecord[],
    readonly networks: readonly NetworkRecord[],
    readonly boot: string,
    readonly machineAddresses: () => readonly Address[],
  ) {
    const members = grouped(
      containers.flatMap((record) => this.#memberships(record)),
      ({ networkId }) => networkId,
    );
    const tables = networks.map(({ id, network }) => {
      const here = (members.get(id) ?? []).map(({ member }) => member);
      return [id, nameTable(network.name, here)] as const;
    });
    this.#tables = new Map(tables);
    this.#machine = tables.map(([, table]) => table);
    const lives = containersWithRun(containers, boot).map(({ life }) => life);
    this.#seats = new Map(
      networks
        .map(exitOf)
        .filter(({ egress }) => egress !== undefined && allowsNames(egress))
        .map(({ id }) => [
          id,
          serverAddresses(lives.filter(({ plugs }) => plugs.some(({ networkId }) => networkId === id))),
        ]),
    );
  }

  zone({ plugs, routes }: Run, { resolver }: NameServerRecord): Zone {
    const wired = plugs.flatMap((plug) => {
      const record = this.networks.find(({ id }) => id === plug.networkId);
      return record === undefined ? [] : [{ plug, record }];
    });
    const ordered = byRoutePriority(routeCandidates(wired));
    const exits = ordered.filter(({ routes: ways }) => ways.length > 0).map(({ record }) => exitOf(record));
    return {
      networks: ordered
        .filter(({ record }) => hasDns(record))
        .flatMap(({ plug, record }): readonly ZoneNetwork[] => {
          const table = this.#tables.get(record.id);
          return table === undefined ? [] : [{ table, links: linkTable(this.#links(plug.request, record)) }];
        }),
      machine: this.#machine,
      wayOut: routes.length > 0,
      exits,
      upstreams: this.#upstreams(resolver.upstreams, exits),
      ndots: resolver.ndots.value,
    };
  }

  /** Where names open addresses, a server in a container to whom they are opened stays in there, and is not asked (explain.ts). */
  #upstreams(all: readonly Upstream[], exits: readonly ZoneExit[]): readonly Upstream[] {
    if (exits.every(({ egress }) => egress === undefined)) return all;
    const seats = exits.flatMap(({ id }) => this.#seats.get(id) ?? []);
    return all.map((upstream) =>
      seats.some((each) => this.#leadsTo(each, upstream.address))
        ? { ...upstream, place: 'container' }
        : askedFromHere(upstream),
    );
  }

  /** The container's own, or the machine's, of which a published port leads there. */
  #leadsTo({ own, published }: ServerAddresses, asked: Address): boolean {
    return (
      own.has(formatAddress(asked)) ||
      published.some((at) => at.family === asked.family && (sameAddress(at, asked) || this.#isOneOf(at, asked)))
    );
  }

  /** Who connects to no address at all comes to the loopback's. */
  #isOneOf(published: Address, asked: Address): boolean {
    if (isUnspecified(asked)) return isLoopback(published);
    if (!isUnspecified(published)) return false;
    if (isLoopback(asked)) return true;
    this.#addresses ??= this.machineAddresses();
    return this.#addresses.some((address) => sameAddress(address, asked));
  }

  /** The networks of a container, with its names and addresses in each. */
  #memberships(record: ContainerRecord): readonly { readonly networkId: string; readonly member: Member }[] {
    const { network: mode } = record;
    if (hasRun(record, this.boot)) {
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
      const [target, ...more] = matchReferences(this.containers, ({ name }) => name, container);
      if (target === undefined || more.length > 0) return [];
      const found = this.#memberships(target).find(({ networkId }) => networkId === network.id);
      return found === undefined ? [] : [{ names: [alias], addresses: found.member.addresses }];
    });
  }
}

/** What stands behind a container's address in its /etc/hosts: `web.example.org web`. */
export function hostsNames({ hostname, request }: ContainerRecord): string {
  return request.domainName === undefined ? hostname : `${hostname}.${request.domainName} ${hostname}`;
}

/** @param attended containers that are about to start, and in no record yet */
export function desiredNameServices(
  { records, host }: Context,
  attended: readonly ContainerRecord[],
): readonly NameService[] {
  const others = records.containers().filter(({ id }) => !attended.some((record) => record.id === id));
  return nameServices([...others, ...attended], records.networks(), bootId(), () => machineAddresses(host().route));
}
