/**
 * Whom a container's questions for names go to: the machine's own resolv.conf, and what `--dns`, `--dns-search` and
 * `--dns-option` put in its place. Read once; the container's file and its name server are made from the same values.
 *
 * @see resolv.conf(5)
 */
import { type Address, isAddress, parseAddress } from './address.ts';

/** A name server, and where the question leaves from: what the machine calls 127.0.0.53 is not the container's. */
export interface Upstream {
  readonly address: Address;
  readonly place: 'host' | 'container';
}

/** At which every one of them is asked. */
export const upstreamPort = 53;

/** What a person said; what is absent is the machine's. */
export interface ResolverOverrides {
  /** `--dns`: asked from the container. */
  readonly servers?: readonly Address[];
  /** `--dns-search`; `.` is none. */
  readonly search?: readonly string[];
  /** `--dns-option` */
  readonly options?: readonly string[];
}

export interface ResolverSettings {
  /** At most three, in the order in which they are asked. */
  readonly upstreams: readonly Upstream[];
  readonly search: readonly string[];
  /** Without `ndots`. */
  readonly options: readonly string[];
  /** Names with fewer dots are tried with the search domains first. `internal`: nobody has said. */
  readonly ndots: { readonly value: number; readonly from: 'host' | 'override' | 'internal' };
  readonly overridden: readonly ('nameservers' | 'search' | 'options')[];
}

/** Where a container of a user-defined network finds its name server. */
export const nameServerAddress = parseAddress('127.0.0.11');

/**
 * The port of that address at which it listens: port 53 is led there, and stays free for a container that serves names
 * itself, at 0.0.0.0:53. One that no program is given by chance (ephemeral ports end at 60999), and always the same one,
 * so that a name server which takes the place of another one finds everything as it is.
 */
export const nameServerPort = 61053;

/** As many as the C library asks: MAXNS. */
const mostUpstreams = 3;

/** @param machine the text of the machine's resolv.conf */
export function resolverSettings(machine: string, overrides: ResolverOverrides = {}): ResolverSettings {
  const { servers = [], search = [], options = [] } = overrides;
  const file = readResolvConf(machine);
  const allOptions = options.length > 0 ? options : file.options;
  const ndots = allOptions
    .map((option) => /^ndots:(\d{1,2})$/.exec(option)?.[1])
    .findLast((value) => value !== undefined);
  return {
    upstreams: (servers.length > 0
      ? servers.map((address) => ({ address, place: 'container' as const }))
      : machineServers(file.servers)
    ).slice(0, mostUpstreams),
    search: (search.length > 0 ? search : file.search).filter((domain) => domain !== '.'),
    options: allOptions.filter((option) => !option.startsWith('ndots:')),
    ndots: { value: Number(ndots ?? 0), from: origin(ndots, options) },
    overridden: [
      ...(servers.length > 0 ? ['nameservers' as const] : []),
      ...(search.length > 0 ? ['search' as const] : []),
      ...(options.length > 0 ? ['options' as const] : []),
    ],
  };
}

function origin(ndots: string | undefined, options: readonly string[]): 'host' | 'override' | 'internal' {
  if (ndots === undefined) return 'internal';
  return options.length > 0 ? 'override' : 'host';
}

/**
 * A file that names no server means the one on the machine itself. A server with a zone (`fe80::1%eth0`) is left out:
 * an address of ours has none.
 */
function machineServers(servers: readonly string[]): readonly Upstream[] {
  const named = servers.length > 0 ? servers : ['127.0.0.1'];
  return named.filter(isAddress).map((server) => ({ address: parseAddress(server), place: 'host' }));
}

interface ResolvConf {
  readonly servers: readonly string[];
  readonly search: readonly string[];
  readonly options: readonly string[];
}

/** Keywords stand at the beginning of a line; of several `search` or `domain` lines the last one counts. */
function readResolvConf(text: string): ResolvConf {
  const lines = text.split('\n').map((line) => line.trimEnd().split(/\s+/));
  const all = (...keywords: readonly string[]) =>
    lines.filter(([keyword = '']) => keywords.includes(keyword)).map(([, ...values]) => values);
  return {
    servers: all('nameserver').flatMap(([server]) => server ?? []),
    search: all('search', 'domain').at(-1) ?? [],
    options: all('options').flat(),
  };
}
