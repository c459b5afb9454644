/** What can be asked in a world: every place, every destination that is somebody's, and what the model expects. */
import type { Answer, Destination } from '../../../src/firewall/model/answer.ts';
import { evaluate } from '../../../src/firewall/model/model.ts';
import { type Attempt, type ModelTopology, networkNamed, type Origin } from '../../../src/firewall/model/topology.ts';
import {
  contains,
  type Family,
  formatAddress,
  isLoopback,
  parseAddress,
  parsePrefix,
} from '../../../src/values/address.ts';
import type { Port } from '../../../src/values/port.ts';
import {
  addressOf,
  type ContainerName,
  claimed,
  families,
  linkLocal,
  type NetworkNumber,
  numbers,
  outsiders,
  subnet,
} from './places.ts';
import { type MarkedAt, type Setting, stands } from './worlds.ts';

export type PlaceName = 'host' | keyof typeof outsiders | ContainerName;

export interface PolicyQuestion {
  readonly from: PlaceName;
  /** What the asker binds itself to. */
  readonly localAddress?: string;
  readonly attempt: Attempt;
}

/** What containers and outsiders serve, and what the machine serves on each of its addresses. */
export const publishedPorts: readonly number[] = [9000, 9001, 9002, 9003, 9004, 9005];
export const hostPorts: readonly number[] = [80, ...publishedPorts];
const served: readonly number[] = [...hostPorts, 8080];

/**
 * `count` of all the questions of a setting, always the same ones, and of as many kinds as there are: of what many questions
 * have in common, none is asked a second time before each of the others was asked once.
 */
export function questions(setting: Setting, count: number): readonly PolicyQuestion[] {
  const { world, pick } = setting;
  const all = families.flatMap((family) =>
    origins(world, family).flatMap((origin) =>
      destinations(world, family)
        .filter((to) => mayAsk(world, origin, to))
        .flatMap((to) => ports(world, to).map((port): PolicyQuestion => asked(setting, origin, to, port))),
    ),
  );
  const next = random(pick);
  const shuffled = all.map((question) => ({ question, rank: next() })).toSorted((a, b) => a.rank - b.rank);
  const seen = new Map<string, number>();
  return shuffled
    .filter(({ question }) => !isClaim(question) || judged(setting, question).outcome === 'dropped')
    .map(({ question }) => {
      const kind = kindOf(setting, question);
      seen.set(kind, (seen.get(kind) ?? 0) + 1);
      return { question, turn: seen.get(kind) ?? 0 };
    })
    .toSorted((a, b) => a.turn - b.turn)
    .slice(0, count)
    .map(({ question }) => question);
}

/** Who asks, what for, what becomes of it and by which steps: but not which network or which port it is. */
function kindOf(setting: Setting, { localAddress, attempt }: PolicyQuestion): string {
  const answer = judged(setting, { attempt });
  return [
    attempt.from.kind,
    localAddress === undefined ? '' : 'bound',
    attempt.to.family,
    isLoopback(attempt.to),
    attempt.mark,
    attempt.port?.protocol ?? 'ping',
    setting.world.publications.some(({ forward }) => forward.binding.hostPort === attempt.port?.port),
    answer.outcome === 'dropped'
      ? answer.reason.sentence.replace(/ (only )?to .*| and .*|[\d.:a-f]*\d/g, '')
      : answer.where.kind,
    ...answer.way.map(({ at }) => at),
  ].join(' ');
}

type Asker = Omit<PolicyQuestion, 'attempt'> & { readonly origin: Origin };

function asked(setting: Setting, { origin, ...asker }: Asker, to: string, port: Port | undefined): PolicyQuestion {
  const mark = setting.marks[markedAt(setting, origin)];
  return { ...asker, attempt: { from: origin, to: parseAddress(to), mark, ...(port === undefined ? {} : { port }) } };
}

function markedAt({ world }: Setting, origin: Origin): MarkedAt {
  if (origin.kind === 'host') return 'host';
  return (origin.kind === 'outside' ? origin.link : networkNamed(world, origin.network).policy.bridge) as MarkedAt;
}

function origins({ endpoints }: ModelTopology, family: Family): readonly Asker[] {
  const loopback = family === 4 ? '127.0.0.1' : '::1';
  return [
    { from: 'host', origin: { kind: 'host' } },
    ...[loopback, outsiders.partner.near[family]].map(
      (localAddress): Asker => ({
        from: 'host',
        origin: { kind: 'host', source: parseAddress(localAddress) },
        localAddress,
      }),
    ),
    ...(['world', 'partner'] as const).flatMap((from): readonly Asker[] => {
      const { link, far } = outsiders[from];
      const outsider = (source: string) => ({ kind: 'outside', link, source: parseAddress(source) }) as const;
      const oneWire = { from, origin: outsider('fe80::2'), localAddress: 'fe80::2%eth0' };
      const claims = from === 'world' ? numbers.map((number) => claimed(number, family)) : [];
      return [
        { from, origin: outsider(far[family]) },
        ...(family === 6 ? [oneWire] : []),
        ...claims.map((localAddress) => ({ from, origin: outsider(localAddress), localAddress })),
      ];
    }),
    ...endpoints.flatMap(({ container, network }): readonly Asker[] => {
      const from = container as ContainerName;
      const inside = { kind: 'container', container, network } as const;
      const source = linkLocal(from);
      const oneWire = { from, origin: { ...inside, source: parseAddress(source) }, localAddress: `${source}%eth0` };
      return [{ from, origin: inside }, ...(family === 6 ? [oneWire] : [])];
    }),
  ];
}

/** Its answer would go to whose address it bears, so that only silence can be told. */
function isClaim({ from, localAddress }: PolicyQuestion): boolean {
  return from === 'world' && localAddress !== undefined && !localAddress.includes('%');
}

function destinations({ networks, publications }: ModelTopology, family: Family): readonly string[] {
  const known = numbers.filter((number) => number <= networks.length);
  return [
    family === 4 ? '127.0.0.1' : '::1',
    outsiders.world.near[family],
    outsiders.partner.near[family],
    outsiders.world.far[family],
    outsiders.partner.far[family],
    ...known.filter((number) => stands(networks, number, family)).map((number) => gateway(number, family)),
    ...known.flatMap((number) => [addressOf(`a${number}`, family), addressOf(`b${number}`, family)]),
    // Once more: where something is published, more is to be found out.
    ...new Set(
      publications
        .filter(({ forward }) => forward.target.family === family)
        .map(({ forward }) => formatAddress(forward.target)),
    ),
  ];
}

function gateway(number: NetworkNumber, family: Family): string {
  return subnet(number, family).replace(/(0\/24|\/64)$/, '1');
}

/**
 * Not from a family that a network does not have: there gangway makes no addresses. Not to a loopback address from
 * elsewhere, which would never leave the asker.
 */
function mayAsk(topology: ModelTopology, { from, origin, localAddress }: Asker, text: string): boolean {
  const to = parseAddress(text);
  const behind = numbers.find((number) => contains(parsePrefix(subnet(number, to.family)), to));
  const owned = topology.endpoints.some(({ addresses }) =>
    addresses.some(({ value, family }) => value === to.value && family === to.family),
  );
  const ofHost = topology.links.some(({ addresses }) =>
    addresses.some(({ address }) => formatAddress(address) === text),
  );
  switch (origin.kind) {
    case 'outside':
      // A link-local source goes nowhere but to the machine itself.
      return (
        !isLoopback(to) &&
        text !== outsiders[from as keyof typeof outsiders].far[to.family] &&
        (localAddress?.includes('%') !== true || ofHost)
      );
    case 'host':
      return behind === undefined || owned || ofHost;
    case 'container': {
      const own = topology.endpoints.find(({ container }) => container === origin.container)?.addresses ?? [];
      const served = own.some(({ family }) => family === to.family);
      return served && !isLoopback(to) && (localAddress === undefined || ofHost);
    }
  }
}

function ports({ publications }: ModelTopology, text: string): readonly (Port | undefined)[] {
  const to = parseAddress(text);
  const isContainer = numbers.some(
    (number) => contains(parsePrefix(subnet(number, to.family)), to) && gateway(number, to.family) !== text,
  );
  const found = publications
    .map(({ forward }) => forward.binding)
    .filter(({ hostAddress }) => hostAddress.family === to.family);
  const some = new Set(found.map(({ hostPort }) => hostPort));
  const numbersOf = isContainer ? [80, 80, 81, 8080, ...some] : [80, ...some];
  const isOutside = Object.values(outsiders).some(({ far }) => far[to.family] === text);
  return [
    undefined,
    ...(isOutside ? [80] : numbersOf).flatMap((port): readonly Port[] => [
      { protocol: 'tcp', port },
      { protocol: 'udp', port },
    ]),
  ];
}

/**
 * The answer that the asker gets if the model is right: who the server is and which address it saw, `refused`, `yes` to a
 * ping, or `nothing`.
 */
export function expected(answer: Answer): string {
  if (answer.outcome === 'dropped') return 'nothing';
  const { where, seen } = answer;
  if (where.port === undefined) return 'yes';
  if (!(where.kind === 'host' ? hostPorts : served).includes(where.port.port)) return 'refused';
  return `${nameOf(where)} ${formatAddress(seen)}`;
}

function nameOf(where: Destination): string {
  if (where.kind === 'container') return where.container;
  if (where.kind === 'host') return 'host';
  return where.link === outsiders.world.link ? 'world' : 'partner';
}

export function judged({ world }: Setting, { attempt }: Pick<PolicyQuestion, 'attempt'>): Answer {
  return evaluate(world, attempt);
}

/** As the kernel tells it to a program. */
const nothing = ['silent', 'EHOSTUNREACH', 'ENETUNREACH', 'EINVAL', 'EADDRNOTAVAIL', 'ETIMEDOUT'];

export function normal(got: string): string {
  return nothing.includes(got) ? 'nothing' : got.replace(/%.*$/, '');
}

/** Numbers from 0 to 1, the same ones for the same seed. @see Numerical Recipes, the quick and dirty generator */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
