/**
 * Who answers a question, and why: the rules of the name server, in one place.
 *
 * `gangway dns query` prints what this says, and the server does what this says.
 *
 *     known in a network of the container        its records; none of the wanted type: an empty answer
 *     known in another network of the machine    an empty answer
 *     known, but not in the network at its end    no such name
 *     a single label, and ndots was set           an empty answer: with ndots the search domains came first
 *     not to be asked for by any way out          no such name
 *     anything else                               the upstream servers, or nobody
 *
 * A name of a container is never told to anybody outside. Docker asks the upstream servers for the types that it does not
 * have (TXT, HTTPS) and for the names of other networks; with the first the world learns what runs here, and with the
 * second a stranger who owns the name outside is taken for the container (CVE-2025-8283). Questions about zones (NS, SOA,
 * DS, DNSKEY) are no exception, though `app` and `dev` are also domains of the world: a resolver within a container that
 * validates `example.dev` where a container is called `dev` has to ask another server than this one.
 *
 * What does leave are names with dots that only another network knows, unless they end in a network's name: an alias like
 * `www.example.org` covers the real one for its own network and must not take it away from the others.
 *
 * What no egress policy lets out is no name, and not refused: the C library gives up at a refusal, and would not come to ask for
 * `db` where `db.corp.example`, by a search domain, was asked for first.
 *
 * An empty answer and not "no such name", which would say that nothing ends in this name either (RFC 8020). Only of
 * NAME.NETWORK, where the machine has a container NAME that is not in NETWORK, this is said: it is a name of nobody.
 */
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

export function explainAnswer(zone: Zone, question: Question): Explanation {
  const known = knownAddress(zone, question) ?? knownName(zone, question);
  if (known !== undefined) return known;
  const elsewhere = networkElsewhere(zone, question.name);
  if (elsewhere !== undefined) return { by: 'silence', because: 'elsewhere', network: elsewhere };
  const without = networkWithout(zone, question.name);
  if (without !== undefined) return { by: 'silence', because: 'absent', network: without };
  if (zone.ndots > 0 && isHostType(question.type) && isSingleLabel(question.name))
    return { by: 'silence', because: 'ndots' };
  const keeper = keeperOf(zone, question.name);
  return keeper === undefined ? outside(zone) : { by: 'silence', because: 'egress', network: keeper };
}

/** The network whose policy keeps a question in, where all that lead out do. */
function keeperOf({ egressNetworks: exits }: Zone, name: string): string | undefined {
  const isKept = exits.every(({ egress }) => egress !== undefined && !letsAsk(egress, name));
  return isKept ? exits[0]?.network : undefined;
}

/**
 * The servers that may be asked for this container. Without a way out these are only those that it reaches by itself: one
 * within an internal network, say. A question from the machine's side would leave where its own packets can't
 * (CVE-2024-29018). Where answers open addresses it is the reverse: who is in there would open to itself whatever it says.
 */
export function reachableUpstreams({
  upstreams,
  hasExternalNetwork: wayOut,
  egressNetworks: exits,
}: Zone): readonly Upstream[] {
  const isOpening = exits.some(({ egress }) => egress !== undefined && allowsNames(egress));
  return upstreams.filter(({ place }) => (place === 'host' ? wayOut : !isOpening));
}

function outside(zone: Zone): Explanation {
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
 * A name is looked for whole, in every network; then, `a.b.c`, as `a.b` in network `c`, and as `a` in network `b.c`. The
 * first network that has an address of the wanted family answers, so that a container which is found by IPv4 in one
 * network and by IPv6 in another has both.
 */
function knownName(zone: Zone, question: Question): Known | undefined {
  const { name } = question;
  for (let end = name.length; end > 0; end = name.lastIndexOf('.', end - 1)) {
    const found = inNetworks(zone, name.slice(0, end), name.slice(end + 1), question);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** @param network only in this one; empty: in all */
function inNetworks({ networks }: Zone, host: string, network: string, question: Question): Known | undefined {
  let empty: Known | undefined;
  for (const via of ['link', 'name', 'wildcard'] as const) {
    for (const { table, links } of networks) {
      if (network !== '' && table.network !== network) continue;
      const found = via === 'link' ? links.get(host) : via === 'name' ? table.names.get(host) : wildcard(table, host);
      if (found === undefined) continue;
      const known = { by: 'network', via, network: table.network, records: ofType(found, question) } as const;
      if (known.records.length > 0) return known;
      empty ??= known;
    }
  }
  return empty;
}

/** `*.x` is `a.x` and `a.b.x`; of `*.x` and `*.b.x` the longer one counts. */
function wildcard({ wildcards }: NameTable, host: string): NameRecords | undefined {
  if (wildcards.size === 0) return undefined;
  for (let dot = host.indexOf('.'); dot !== -1; dot = host.indexOf('.', dot + 1)) {
    const found = wildcards.get(host.slice(dot + 1));
    if (found !== undefined) return found;
  }
  return undefined;
}

function ofType({ a: four, aaaa: six }: NameRecords, question: Question): readonly RecordData[] {
  if (question.class !== classIn) return [];
  if (question.type === recordType.A) return four;
  if (question.type === recordType.AAAA) return six;
  return question.type === recordType.ANY ? [...four, ...six] : [];
}

/** The network of the machine that this name belongs to, which is none of the container's. */
function networkElsewhere({ hostTables: machine }: Zone, name: string): string | undefined {
  if (isSingleLabel(name)) return machine.find(({ names }) => names.has(name))?.network;
  return machine.find((table) => {
    const host = hostIn(table, name);
    return host !== undefined && table.names.has(host);
  })?.network;
}

/** The network at this name's end, where what stands before it is a name in other networks only. */
function networkWithout({ hostTables: machine }: Zone, name: string): string | undefined {
  return machine.find((table) => {
    const host = hostIn(table, name);
    return host !== undefined && machine.some(({ names }) => names.has(host));
  })?.network;
}

/** `a` of `a.front`, in the network front. */
function hostIn({ network }: NameTable, name: string): string | undefined {
  return name.endsWith(`.${network}`) ? name.slice(0, -network.length - 1) : undefined;
}

function isSingleLabel(name: string): boolean {
  return name !== '' && !name.includes('.');
}

function isHostType(type: number): boolean {
  return type === recordType.A || type === recordType.AAAA;
}
