/**
 * What a command line must come to, whatever stands in it: a request that holds nothing wrong, or one sentence and a
 * known exit status.
 */
import { isDeepStrictEqual, stripVTControlCharacters } from 'node:util';
import { checkRequest } from '../../../src/engine/validate-request.ts';
import { decode, encode } from '../../../src/plan/encoding.ts';
import { formatConnection, parseConnectionWords } from '../../../src/values/connection-grammar.ts';
import type { ContainerRequest } from '../../../src/values/container.ts';
import { GangwayError } from '../../../src/values/errors.ts';
import type { ConnectionRequest, NetworkRequest } from '../../../src/values/network.ts';
import { checkNetworkRequest } from '../../../src/values/network-grammar.ts';
import { gangway, type Outcome, type Scene } from '../cli.ts';
import type { Call } from '../fake-engine.ts';
import type { Line } from './command-line.ts';

/** What the parser makes of a line. */
export function parsed(line: Line): Promise<Outcome> {
  return gangway(line, { ...dull, ...(line.includes('stats') ? { list: refuse } : {}) });
}

/** @returns what is wrong with that, if anything is */
export function misread(line: Line, outcome: Outcome): string | undefined {
  return unsound(outcome, line) ?? firstOf(outcome.calls.map(wrongRequest));
}

/** An engine without much to tell: `stats` and `watch` would go on and on, and a plan is not for the parser. */
const dull: Scene = {
  statistics: refuse,
  traffic: refuse,
  watch: refuse,
  collectGarbage: async () => [{ what: 'something', why: 'nobody owned it' }],
  loadExplain: async () => () => '',
};

async function refuse(): Promise<never> {
  throw new GangwayError('container-not-found', 'no such container: web');
}

const statuses = [0, 1, 64, 125, 126, 127];

/** @returns what is wrong with the exit status, or what is said on stderr */
export function unsound({ status, stderr }: Pick<Outcome, 'status' | 'stderr'>, line: Line): string | undefined {
  if (!statuses.includes(status)) return `exit status ${status}`;
  if (status !== 0 && stderr === '') return 'a failure without a word';
  // Colours of ours, where they were asked for.
  const told = line.join(' ').includes('always') ? stripVTControlCharacters(stderr) : stderr;
  const steering = /[^\n\P{Cc}]|[\p{Cf}\p{Zl}\p{Zp}]/u.exec(told)?.[0];
  if (steering !== undefined) return `a raw ${JSON.stringify(steering)} on stderr`;
  const [sentences = ''] = told.split('\nUsage:');
  const leak = /internal error|\n {4}at |TypeError|RangeError|undefined|\[object|NaN/.exec(sentences)?.[0];
  if (leak !== undefined && !line.join(' ').includes(leak)) return sentences;
  const strange = sentences.split('\n').find((text) => !isSentence(text));
  return strange === undefined ? undefined : `no sentence of ours: ${strange}`;
}

/** A sentence, or what may stand behind it; not the kernel's words alone. */
function isSentence(text: string): boolean {
  return text === '' || (text.length < 3000 && /^gangway: (?!E[A-Z]+:).|^See '|^WARNING! |^Are you sure/.test(text));
}

/** @returns what is wrong with a request that reached the engine */
function wrongRequest([method, ...given]: Call): string | undefined {
  switch (method) {
    case 'run':
    case 'create':
      return firstOf([unclean(given[0] as ContainerRequest), unstable(given[0] as ContainerRequest, checkRequest)]);
    case 'createNetwork':
      return unstable(given[0] as NetworkRequest, checkNetworkRequest);
    case 'connect':
      return unstable(given[1] as ConnectionRequest, (connection) =>
        parseConnectionWords(formatConnection(connection)),
      );
    default:
      return undefined;
  }
}

/** What was read once reads back as itself, also from the disk. */
function unstable<T>(request: T, read: (request: T) => T): string | undefined {
  if (!isDeepStrictEqual(decode(encode(request)), decode(encode(read(request))))) return 'does not read back as itself';
  return isDeepStrictEqual(decode(encode(request)), request) ? undefined : 'is another one on the disk';
}

const name = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

/** Nothing that a kernel, a file or a shell could misread. */
function unclean(request: ContainerRequest): string | undefined {
  // No program was ever given a word with a zero byte: execve(2) ends words with it.
  const { publish, limits, network, volumes } = request;
  const networks = network.kind === 'networks' ? network.connections.map((connection) => connection.network) : [];
  return firstOf([
    ...strings(request).map((text) => (text.includes('\0') ? `a zero byte in ${JSON.stringify(text)}` : undefined)),
    ...[request.name ?? 'none', ...networks].map((text) => (name.test(text) ? undefined : `the name ${text}`)),
    ...publish
      .flatMap(({ containerPort, hostPort = containerPort }) => [containerPort, hostPort])
      .map(({ first, last }) => (first >= 1 && first <= last && last <= 65_535 ? undefined : `ports ${first}-${last}`)),
    ...Object.values(limits).map((value) =>
      typeof value === 'number' && !(Number.isSafeInteger(value) && value > 0) ? `the limit ${value}` : undefined,
    ),
    ...volumes.map(({ source, target }) =>
      source.startsWith('/') && target.startsWith('/') ? undefined : `the volume ${source}:${target}`,
    ),
  ]);
}

function strings(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(strings) : [];
}

function firstOf(complaints: readonly (string | undefined)[]): string | undefined {
  return complaints.find((complaint) => complaint !== undefined);
}
