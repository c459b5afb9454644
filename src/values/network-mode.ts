/**
 * All that `run` says of networks, put together: `--network`, however often, and the options that docker had before
 * `--network` had fields (`--network-alias`, `--ip`, `--ip6`, `--mac-address`, `--link`, `--link-local-ip`).
 *
 * The latter speak of the first network. What contradicts itself is refused, in docker's cases: the same thing said in
 * both ways, one network twice, and a stack of its own together with somebody else's.
 */
import {
  type ConnectionWords,
  checkConnection,
  formatConnection,
  parseConnection,
  parseConnectionWords,
} from './connection-grammar.ts';
import { GangwayError } from './errors.ts';
import { parseContainerReference } from './names.ts';
import { type ConnectionRequest, connectionTo, type NetworkMode } from './network.ts';

/** The options as they were typed. */
export interface NetworkModeWords
  extends Pick<ConnectionWords, 'aliases' | 'links' | 'ip' | 'ip6' | 'linkLocalIps' | 'macAddress'> {
  /** Each `--network`. */
  readonly networks: readonly string[];
}

const optionOf = {
  aliases: '--network-alias',
  links: '--link',
  ip: '--ip',
  ip6: '--ip6',
  linkLocalIps: '--link-local-ip',
  macAddress: '--mac-address',
} as const;

type Setting = keyof typeof optionOf;

/** @throws GangwayError */
export function parseNetworkMode({ networks, ...settings }: NetworkModeWords): NetworkMode {
  const targets = networks.map(parseConnection);
  const given = (Object.keys(optionOf) as Setting[]).filter((name) => isGiven(settings[name]));
  const alone = targets.find((target) => 'kind' in target);
  if (alone !== undefined) {
    if (targets.length > 1) throw exclusive(nameOf(alone));
    if (given[0] !== undefined) throw conflict(optionOf[given[0]], nameOf(alone));
    return alone;
  }
  const connections = targets.flatMap((target) => ('kind' in target ? [] : target));
  const [first = connectionTo('bridge'), ...others] = connections;
  return plugged([merge(first, settings, given), ...others]);
}

/**
 * Holds a mode that a program made to what a person may type.
 *
 * @throws GangwayError
 */
export function checkNetworkMode(mode: NetworkMode): NetworkMode {
  switch (mode.kind) {
    case 'none':
    case 'host':
      return { kind: mode.kind };
    case 'container':
      return { kind: mode.kind, container: parseContainerReference(mode.container) };
    case 'networks':
      return plugged(mode.connections.map(checkConnection));
  }
}

/** Options of `run` that speak of a container's own stack and files. */
export type OwnStackOption =
  | '--hostname'
  | '--domainname'
  | '--dns'
  | '--dns-option'
  | '--dns-search'
  | '--add-host'
  | '--publish'
  | '--publish-all'
  | '--expose'
  /** One that begins with `net.`. */
  | '--sysctl';

/**
 * Who shares another container's stack and files has none of their own to set. Who shares the machine's may have files,
 * and must not change its settings.
 *
 * @param given the options that were given
 * @throws GangwayError conflicting-options
 */
export function refuseSharedStack(mode: NetworkMode, given: readonly OwnStackOption[]): void {
  const refused = given.find((option) => mode.kind === 'container' || (mode.kind === 'host' && option === '--sysctl'));
  if (refused !== undefined) throw conflict(refused, nameOf(mode));
}

function isGiven(value: string | readonly string[] | undefined): boolean {
  return value !== undefined && value.length > 0;
}

/** The first network, with what was said of it in both ways; nothing may be said in both. */
function merge(first: ConnectionRequest, settings: Omit<NetworkModeWords, 'networks'>, given: readonly Setting[]) {
  const words = formatConnection(first);
  const twice = given.find((name) => isGiven(words[name]));
  if (twice !== undefined) {
    throw new GangwayError(
      'conflicting-options',
      `${optionOf[twice]} and --network ${first.network} say the same thing`,
      {
        hint: 'say it in one place',
      },
    );
  }
  return parseConnectionWords({ ...words, ...Object.fromEntries(given.map((name) => [name, settings[name]])) });
}

function plugged(connections: readonly ConnectionRequest[]): NetworkMode {
  const names = connections.map(({ network }) => network);
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) {
    throw new GangwayError('conflicting-options', `network ${twice} is given more than once`, {
      hint: 'one connection to a network is all that a container has',
    });
  }
  if (names.length > 1 && names.includes('bridge')) throw exclusive('bridge');
  return { kind: 'networks', connections };
}

function nameOf(mode: NetworkMode): string {
  return mode.kind === 'container' ? `container:${mode.container}` : mode.kind;
}

function exclusive(name: string): GangwayError {
  return new GangwayError('conflicting-options', `--network ${name} excludes every other network`, {
    hint: 'several networks have to be ones that you made: `gangway network create`',
  });
}

function conflict(option: string, name: string): GangwayError {
  const hint = name.startsWith('container:')
    ? 'the stack and the files are those of the other container: give the option there'
    : 'leave it out, or choose a network of your own';
  return new GangwayError('conflicting-options', `${option} conflicts with --network ${name}`, { hint });
}
