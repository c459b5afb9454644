/**
 * The grammar of a container's plug in a network: `--network` of `run`, and the options of `network connect`.
 *
 *     --network web
 *     --network name=web,alias=db,alias=db.test,ip=10.1.2.9,ip6=fd00::9,mac-address=02:42:00:00:00:09
 *     --network name=web,link-local-ip=169.254.7.7,gw-priority=10,driver-opt=com.docker.network.endpoint.ifname=wan0
 *     --network none | host | container:NAME
 *
 * Keys in whatever case; where one that has a single value is repeated, the last one counts. Both forms, and connect's
 * options, come down to the same words, so each is read in one place.
 */
import {
  type Address,
  type Family,
  formatAddress,
  isAddress,
  isHostAddress,
  isLinkLocal,
  isLoopback,
  parseAddress,
} from './address.ts';
import { parseFields } from './csv.ts';
import { GangwayError } from './errors.ts';
import { cut, parseInteger } from './literal.ts';
import { parseMac } from './mac.ts';
import { parseAlias, parseContainerReference, parseNetworkName, parseNewLinkName } from './names.ts';
import type { ConnectionRequest, NetworkMode } from './network.ts';
import { present } from './present.ts';
import { suggest } from './suggest.ts';
import { formatSysctl, parseLinkSysctls } from './sysctl-grammar.ts';

/** A plug as it was typed: what may be repeated is a list, what was not said is absent. */
export interface ConnectionWords {
  readonly network: string;
  readonly aliases?: readonly string[];
  /** `CONTAINER[:ALIAS]` */
  readonly links?: readonly string[];
  readonly ip?: string;
  readonly ip6?: string;
  readonly linkLocalIps?: readonly string[];
  readonly macAddress?: string;
  readonly gatewayPriority?: string;
  /** `KEY=VALUE` */
  readonly driverOptions?: readonly string[];
}

/**
 * One `--network`: a plug, or no network at all.
 *
 * @throws GangwayError
 */
export function parseConnection(text: string): ConnectionRequest | NetworkMode {
  const words = text.includes('=') ? longForm(text) : { network: text };
  const mode = modeOf(words.network);
  if (mode === undefined) return parseConnectionWords(words);
  if (Object.keys(words).length === 1) return mode;
  throw new GangwayError('conflicting-options', `--network ${words.network} takes nothing besides the name`, {
    hint: 'names and addresses belong to a network of your own: `gangway network create`',
  });
}

/** `none`, `host` and `container:NAME`: not a plug in anything. */
function modeOf(network: string): NetworkMode | undefined {
  if (network === 'none' || network === 'host') return { kind: network };
  if (!network.startsWith('container:')) return undefined;
  return { kind: 'container', container: parseContainerReference(network.slice('container:'.length)) };
}

type Single = 'network' | 'ip' | 'ip6' | 'macAddress' | 'gatewayPriority';
type Repeated = 'aliases' | 'linkLocalIps' | 'driverOptions';

const singles: Readonly<Record<string, Single>> = {
  name: 'network',
  ip: 'ip',
  ip6: 'ip6',
  'mac-address': 'macAddress',
  'gw-priority': 'gatewayPriority',
};
const repeated: Readonly<Record<string, Repeated>> = {
  alias: 'aliases',
  'link-local-ip': 'linkLocalIps',
  'driver-opt': 'driverOptions',
};
const keys = [...Object.keys(singles), ...Object.keys(repeated)];

function longForm(text: string): ConnectionWords {
  const words: { -readonly [K in Single]?: string } & { [K in Repeated]?: string[] } = {};
  for (const field of parseFields(text, '--network')) {
    const [written, value] = cut(field).map((part) => part.trim());
    const key = keys.find((one) => one === written?.toLowerCase()) ?? unknownKey(field);
    const [single, many] = [singles[key], repeated[key]];
    if (single !== undefined) words[single] = value ?? '';
    if (many !== undefined) words[many] = [...(words[many] ?? []), value ?? ''];
  }
  const { network = '', ...rest } = words;
  if (network !== '') return { network, ...rest };
  throw invalid(`--network ${JSON.stringify(text)} names no network`, 'write name=NETWORK first');
}

function unknownKey(field: string): never {
  const key = cut(field)[0].trim().toLowerCase();
  throw invalid(
    `--network has no key ${JSON.stringify(key)}${key && suggest(key, keys)}`,
    `its keys are ${keys.join(', ')}`,
  );
}

/** @throws GangwayError */
export function parseConnectionWords(words: ConnectionWords): ConnectionRequest {
  const { mac: macOption, ...fromDriver } = parseDriverOptions(words.driverOptions ?? []);
  const mac = words.macAddress === undefined ? undefined : parseMac(words.macAddress);
  if (mac !== undefined && macOption !== undefined && mac !== macOption) {
    throw conflict('two MAC addresses are given for one connection', 'give one of them');
  }
  const connection = {
    network: words.network === 'default' ? 'bridge' : parseNetworkName(words.network),
    aliases: (words.aliases ?? []).map(parseAlias),
    links: (words.links ?? []).map(parseLink),
    addresses: [...ofFamily(4, words.ip, '--ip'), ...ofFamily(6, words.ip6, '--ip6')],
    linkLocalAddresses: (words.linkLocalIps ?? []).map(parseLinkLocal),
    ...present({ mac: mac ?? macOption }),
    gatewayPriority: parseInteger(words.gatewayPriority ?? '0', '--gw-priority'),
    ...fromDriver,
  };
  requireOwnNetwork(connection);
  return connection;
}

/** What `parseConnectionWords` reads as this. */
export function formatConnection(connection: ConnectionRequest): ConnectionWords {
  const { network, aliases, links, addresses, linkLocalAddresses, mac, gatewayPriority, link, sysctls } = connection;
  const ofFamily = (family: Family) => addresses.filter((one) => one.family === family).map(formatAddress)[0];
  return {
    network,
    aliases,
    links: links.map(({ container, alias }) => `${container}:${alias}`),
    ...present({ ip: ofFamily(4), ip6: ofFamily(6), macAddress: mac }),
    linkLocalIps: linkLocalAddresses.map(formatAddress),
    gatewayPriority: String(gatewayPriority),
    driverOptions: [
      ...(link === undefined ? [] : [`${endpoint}.ifname=${link}`]),
      ...(sysctls.length === 0 ? [] : [`${endpoint}.sysctls=${sysctls.map(formatSysctl).join(',')}`]),
    ],
  };
}

/**
 * Holds a connection that a program made to what a person may type.
 *
 * @throws GangwayError
 */
export function checkConnection(connection: ConnectionRequest): ConnectionRequest {
  const checked = parseConnectionWords(formatConnection(connection));
  if (checked.addresses.length === connection.addresses.length) return checked;
  throw conflict('two addresses of one family are given for one connection', 'give one of them');
}

const endpoint = 'com.docker.network.endpoint';
const driverKeys = [`${endpoint}.ifname`, `${endpoint}.sysctls`, `${endpoint}.macaddress`] as const;

function parseDriverOptions(texts: readonly string[]) {
  const found = new Map(texts.map(cut));
  const stray = [...found.keys()].find((key) => !driverKeys.some((one) => one === key));
  if (stray !== undefined) {
    const hint = `its options are ${driverKeys.join(', ')}`;
    throw invalid(`a connection has no driver option ${JSON.stringify(stray)}`, hint);
  }
  const [link, sysctls, mac] = driverKeys.map((key) => found.get(key));
  return {
    ...present({
      link: link === undefined ? undefined : parseNewLinkName(link),
      mac: mac === undefined ? undefined : parseMac(mac),
    }),
    sysctls: sysctls === undefined ? [] : parseLinkSysctls(sysctls, driverKeys[1]),
  };
}

/** `CONTAINER:ALIAS`, or `CONTAINER` under its own name. */
function parseLink(text: string): ConnectionRequest['links'][number] {
  const [container = '', alias = container, ...more] = text.split(':');
  if (more.length > 0) throw invalid(`--link ${JSON.stringify(text)} is not CONTAINER:ALIAS`, 'as in db:database');
  return { container: parseContainerReference(container), alias: parseAlias(alias) };
}

function ofFamily(family: Family, text: string | undefined, option: string): readonly Address[] {
  if (text === undefined) return [];
  const address = parseHost(text, option);
  if (address.family === family) return [address];
  throw new GangwayError('invalid-address', `${option} ${text} is an IPv${address.family} address`, {
    hint: `write ${address.family === 4 ? '--ip' : '--ip6'} ${text}`,
  });
}

function parseHost(text: string, option: string): Address {
  const address = isAddress(text) ? parseAddress(text) : undefined;
  if (address !== undefined && isHostAddress(address) && !isLoopback(address)) return address;
  throw new GangwayError('invalid-address', `${option} ${JSON.stringify(text)} is no IP address of a container`, {
    hint: 'write an address, as in 10.1.2.9',
  });
}

function parseLinkLocal(text: string): Address {
  const address = parseHost(text, '--link-local-ip');
  if (isLinkLocal(address)) return address;
  throw new GangwayError('invalid-address', `--link-local-ip ${text} is no link-local address`, {
    hint: 'write one of 169.254.0.0/16 or fe80::/10; another one is for --ip or --ip6',
  });
}

/** On the default bridge containers have no names of their choice and no fixed addresses. */
function requireOwnNetwork({ network, aliases, addresses }: ConnectionRequest): void {
  if (network !== 'bridge' || (aliases.length === 0 && addresses.length === 0)) return;
  const what = aliases.length > 0 ? 'aliases are' : 'a fixed address is';
  throw new GangwayError('invalid-network', `${what} not to be had on the default bridge`, {
    hint: 'make a network of your own: `gangway network create`',
  });
}

function invalid(message: string, hint: string): GangwayError {
  return new GangwayError('invalid-option', message, { hint });
}

function conflict(message: string, hint: string): GangwayError {
  return new GangwayError('conflicting-options', message, { hint });
}
