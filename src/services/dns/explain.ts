/**
 * The rules of the name server, which `gangway dns query` explains:
 *
 *     name in a network of the container               its records; without records of this type an empty answer
 *     name in another network of the host              empty answer
 *     NAME.NETWORK, and NAME is in other networks only  NXDOMAIN
 *     single label, and ndots is set                   empty answer: with ndots the search domains came first
 *     denied by the egress policies of all networks    NXDOMAIN
 *     any other name                                   forwarded to upstream servers; without a server SERVFAIL
 *
 * Container names never leave the host, whatever the type. Docker forwards queries for other types (TXT, HTTPS), which leaks
 * names, and for names of other networks, whose external owner can then impersonate the container (CVE-2025-8283).
 *
 * An alias with dots, like `www.example.org`, hides the real name in its own network only: other networks forward it.
 *
 * Denied names get NXDOMAIN: after REFUSED for `db.corp.example`, from a search domain, the C library does not query `db`. An
 * empty answer does not say, as NXDOMAIN does, that names below this name do not exist (RFC 8020).
 */
import { formatAddress } from '../../values/address.ts';
import { allowsNames, letsAsk } from '../../values/egress.ts';
import type { Upstream } from '../../values/resolver.ts';
import type { RecordData } from './encode-answer.ts';
import { classIn, type Question, recordType } from './message.ts';
import type { NameRecords, NameTable, Zone } from './zone.ts';

export type Explanation =
  | {
      readonly by: 'network';
      readonly via: 'name' | 'link' | 'wildcard' | 'address';
      readonly network: string;
      readonly records: readonly RecordData[];
    }
  | { readonly by: 'silence'; readonly because: 'elsewhere' | 'absent' | 'egress'; readonly network: string }
  | { readonly by: 'silence'; readonly because: 'ndots' }
  | { readonly by: 'nobody'; readonly because: 'internal' | 'within' | 'no-server' }
  | { readonly by: 'upstream'; readonly upstreams: readonly Upstream[] };

type Known = Extract<Explanation, { by: 'network' }>;

/** Determines the answer to a question. */
export function explainAnswer(zone: Zone, question: Question): Explanation {
  const known = knownAddress(zone, question) ?? knownName(zone, question);
  if (known !== undefined) return known;
  const elsewhere = otherNetworkOf(zone, question.name);
  if (elsewhere !== undefined) return { by: 'silence', because: 'elsewhere', network: elsewhere };
  const absent = networkWithoutHost(zone, question.name);
  if (absent !== undefined) return { by: 'silence', because: 'absent', network: absent };
  const isHostType = question.type === recordType.A || question.type === recordType.AAAA;
  if (zone.ndots > 0 && isHostType && isSingleLabel(question.name)) return { by: 'silence', because: 'ndots' };
  const denying = denyingNetwork(zone, question.name);
  return denying === undefined ? forwarded(zone) : { by: 'silence', because: 'egress', network: denying };
}

/** Returns the first network if the egress policies of all networks deny a query for this name. */
function denyingNetwork({ egressNetworks }: Zone, name: string): string | undefined {
  const isDenied = egressNetworks.every(({ egress }) => egress !== undefined && !letsAsk(egress, name));
  return isDenied ? egressNetworks[0]?.network : undefined;
}

/**
 * Returns the servers to which the container's queries may go.
 *
 * A container with internal networks only reaches servers from its own namespace, such as a server in an internal network: a
 * query from the host would pass where the container's packets do not (CVE-2024-29018). If answers open addresses, only
 * servers reached from the host count: a server among the containers could open any address for itself.
 */
export function reachableUpstreams({ upstreams, hasExternalNetwork, egressNetworks }: Zone): readonly Upstream[] {
  const opensByName = egressNetworks.some(({ egress }) => egress !== undefined && allowsNames(egress));
  return upstreams.filter(({ place }) => (place === 'host' ? hasExternalNetwork : !opensByName));
}

function forwarded(zone: Zone): Explanation {
  const upstreams = reachableUpstreams(zone);
  if (upstreams.length > 0) return { by: 'upstream', upstreams };
  if (zone.upstreams.length === 0) return { by: 'nobody', because: 'no-server' };
  return { by: 'nobody', because: zone.hasExternalNetwork ? 'within' : 'internal' };
}

function knownAddress({ networks }: Zone, question: Question): Known | undefined {
  if (!question.name.endsWith('.arpa')) return undefined;
  for (const { table } of networks) {
    const pointer = table.pointers.get(question.name);
    if (pointer === undefined) continue;
    const wanted = question.type === recordType.PTR || question.type === recordType.ANY;
    return { by: 'network', via: 'address', network: table.network, records: wanted ? [pointer] : [] };
  }
  return undefined;
}

/**
 * Looks up `a.b.c` in every network, then `a.b` in network `c`, then `a` in network `b.c`. The first network with an address of
 * the queried family answers, so that a container with IPv4 in one network and IPv6 in another has both.
 */
function knownName(zone: Zone, question: Question): Known | undefined {
  const { name } = question;
  for (let end = name.length; end > 0; end = name.lastIndexOf('.', end - 1)) {
    const found = inNetworks(zone, name.slice(0, end), name.slice(end + 1), question);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** @param network empty: all networks */
function inNetworks({ networks }: Zone, host: string, network: string, question: Question): Known | undefined {
  let empty: Known | undefined;
  for (const via of ['link', 'name', 'wildcard'] as const) {
    for (const { table, links } of networks) {
      if (network !== '' && table.network !== network) continue;
      const found = via === 'link' ? links.get(host) : via === 'name' ? table.names.get(host) : wildcard(table, host);
      if (found === undefined) continue;
      const known = { by: 'network', via, network: table.network, records: recordsFor(found, question) } as const;
      if (known.records.length > 0) return known;
      empty ??= known;
    }
  }
  return empty;
}

/** Looks up `*.x`, which matches `a.x` and `a.b.x`; the longest match counts. */
function wildcard({ wildcards }: NameTable, host: string): NameRecords | undefined {
  if (wildcards.size === 0) return undefined;
  for (let dot = host.indexOf('.'); dot !== -1; dot = host.indexOf('.', dot + 1)) {
    const found = wildcards.get(host.slice(dot + 1));
    if (found !== undefined) return found;
  }
  return undefined;
}

function recordsFor({ a, aaaa }: NameRecords, question: Question): readonly RecordData[] {
  if (question.class !== classIn) return [];
  if (question.type === recordType.A) return a;
  if (question.type === recordType.AAAA) return aaaa;
  return question.type === recordType.ANY ? [...a, ...aaaa] : [];
}

/** Returns the other network of the host that has this name. */
function otherNetworkOf({ hostTables }: Zone, name: string): string | undefined {
  if (isSingleLabel(name)) return hostTables.find(({ names }) => names.has(name))?.network;
  return hostTables.find((table) => {
    const host = hostIn(table, name);
    return host !== undefined && table.names.has(host);
  })?.network;
}

/** Returns the network at the end of this name if only other networks have the host in front of it. */
function networkWithoutHost({ hostTables }: Zone, name: string): string | undefined {
  return hostTables.find((table) => {
    const host = hostIn(table, name);
    return host !== undefined && hostTables.some(({ names }) => names.has(host));
  })?.network;
}

/** Returns `a` for `a.front` in network front. */
function hostIn({ network }: NameTable, name: string): string | undefined {
  return name.endsWith(`.${network}`) ? name.slice(0, -network.length - 1) : undefined;
}

function isSingleLabel(name: string): boolean {
  return name !== '' && !name.includes('.');
}

/** Formats an explanation as a sentence for `gangway dns query`. @param name as in the query */
export function formatExplanation(name: string, explanation: Explanation): string {
  switch (explanation.by) {
    case 'network': {
      const missing = explanation.records.length === 0 ? ', but has no record of this type; not forwarded' : '';
      return `gangway answers: ${name} is ${vias[explanation.via]} network ${explanation.network}${missing}`;
    }
    case 'silence':
      return formatSilence(name, explanation);
    case 'nobody':
      return `gangway answers SERVFAIL: ${failures[explanation.because](name)}`;
    case 'upstream':
      return `forwarded: ${name} is not a name in the container's networks; servers: ${explanation.upstreams.map(formatUpstream).join(', ')}`;
  }
}

function formatSilence(name: string, explanation: Extract<Explanation, { by: 'silence' }>): string {
  switch (explanation.because) {
    case 'elsewhere':
      return `gangway answers without records: ${name} belongs to network ${explanation.network}, and the container is not in it`;
    case 'absent':
      return `gangway answers NXDOMAIN: network ${explanation.network} has no name ${name}, and names of other networks are not forwarded`;
    case 'egress':
      return `gangway answers NXDOMAIN: the egress policy of network ${explanation.network} does not allow queries for ${name}`;
    case 'ndots':
      return 'gangway answers without records: with ndots set, a name without a dot is not forwarded';
  }
}

const failures = {
  internal: (name: string) => `the container has internal networks only, and ${name} is not a name in them`,
  within: () => 'the servers are containers, and their answers could open addresses for themselves',
  'no-server': () => 'the container has no upstream server',
} as const;

const vias = {
  name: 'a name in',
  link: 'a link of this container in',
  wildcard: 'covered by a wildcard alias in',
  address: 'the address of a container in',
} as const;

function formatUpstream({ address, place }: Upstream): string {
  return `${formatAddress(address)} (reached from the ${place})`;
}
