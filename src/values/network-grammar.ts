/**
 * The grammar of `network create`: docker's options become a `NetworkRequest` that can't be wrong, or a refusal that
 * says what to write instead.
 *
 * What only the machine knows is decided later: whether the name is free, and the subnet.
 */
import { type Family, families, formatPrefix } from './address.ts';
import { plainBridge } from './bridge-options.ts';
import { formatDriver, parseDriver } from './driver-options.ts';
import type { EgressPolicy } from './egress.ts';
import { formatEgress, parseEgress } from './egress-grammar.ts';
import { GangwayError } from './errors.ts';
import { formatPairs, parseBoolean, parsePairs } from './literal.ts';
import { parseNetworkName } from './names.ts';
import { type DriverRequest, type NetworkRequest, type PoolRequest, predefinedNames } from './network.ts';
import { invalidNetwork } from './option-row.ts';
import { formatPools, type PoolWords, parsePools } from './pool-grammar.ts';

/** `network create` as it was typed: what may be repeated is a list, what was not said is absent. */
export interface NetworkWords extends PoolWords {
  readonly name: string;
  readonly driver?: string;
  /** `--ipv4`, `--ipv6`; absent where they were not written. */
  readonly ipv4?: boolean;
  readonly ipv6?: boolean;
  readonly internal?: boolean;
  /** `allow=ENTRY,…`, `deny=ENTRY,…` */
  readonly egress?: readonly string[];
  readonly attachable?: boolean;
  readonly scope?: string;
  readonly ingress?: boolean;
  readonly configOnly?: boolean;
  readonly configFrom?: string;
  /** `KEY=VALUE` */
  readonly labels?: readonly string[];
  /** `KEY=VALUE` */
  readonly options?: readonly string[];
  readonly ipamDriver?: string;
  readonly ipamOptions?: readonly string[];
}

/** These two may be said as flags or as options. */
const enable = { 4: 'com.docker.network.enable_ipv4', 6: 'com.docker.network.enable_ipv6' } as const;

/** @throws GangwayError that names the option and the remedy */
export function parseNetworkCreate(words: NetworkWords): NetworkRequest {
  const { internal = false, attachable = false, egress = [] } = words;
  const name = parseNewNetworkName(words.name);
  requireOneMachine(words);
  const options = parsePairs(words.options ?? []);
  const { [enable[4]]: _, [enable[6]]: __, ...driverOptions } = options;
  const driver = parseDriver(words.driver ?? plainBridge.kind, driverOptions);
  requireOurAddresses(words);
  const pools = parsePools(words);
  const families = chooseFamilies(words, options, pools);
  if (driver.kind === 'bridge') requireOneEach(pools);
  requireRoom(driver, families);
  requireInternal(driver, internal);
  requireEntrance(driver, internal);
  return {
    name,
    driver,
    families,
    internal,
    ...(egress.length === 0 ? {} : { egress: parseLimits(egress, driver, internal) }),
    pools,
    labels: parseLabels(words.labels ?? []),
    options,
    attachable,
  };
}

/** What `parseNetworkCreate` reads as this. What the options say in their own words is left in those words. */
export function formatNetworkCreate(request: NetworkRequest): NetworkWords {
  const { name, driver, families, internal, egress, attachable, pools, labels, options } = request;
  return {
    name,
    driver: driver.kind,
    ipv4: families.includes(4),
    ipv6: families.includes(6),
    internal,
    ...(egress === undefined ? {} : { egress: formatEgress(egress) }),
    attachable,
    ...formatPools(pools),
    labels: formatPairs(labels),
    options: formatPairs({ ...formatDriver(driver), ...options }),
  };
}

/**
 * Holds a request that a program made to what a person may type.
 *
 * @throws GangwayError that names the option and the remedy
 */
export function checkNetworkRequest(asked: NetworkRequest): NetworkRequest {
  const request = parseNetworkCreate(formatNetworkCreate(asked));
  const [said, meant] = [asked.driver, request.driver].map((driver) => JSON.stringify(formatDriver(driver)));
  if (said === meant) return request;
  throw invalidNetwork(
    `network ${asked.name} has options that contradict its driver`,
    'leave the options empty: they are written from the driver',
  );
}

function parseNewNetworkName(text: string): string {
  if (!predefinedNames.includes(text)) return parseNetworkName(text);
  throw new GangwayError('invalid-name', `network ${text} is predefined`, { hint: 'choose another name' });
}

/** What docker has for the networks of a swarm. */
function requireOneMachine({ scope = 'local', ingress = false, configOnly = false, configFrom }: NetworkWords): void {
  const asked = [
    ...(scope === 'local' ? [] : [`--scope ${scope}`]),
    ...(ingress ? ['--ingress'] : []),
    ...(configOnly ? ['--config-only'] : []),
    ...(configFrom === undefined ? [] : ['--config-from']),
  ];
  if (asked[0] === undefined) return;
  throw new GangwayError('not-supported', `${asked[0]} is for networks of a swarm, and there is none`, {
    hint: 'leave it out: the network is of this machine alone',
  });
}

/** What gives out addresses is ours, and takes no options. */
function requireOurAddresses({ ipamDriver = 'default', ipamOptions = [] }: NetworkWords): void {
  if (ipamDriver !== 'default') {
    throw invalidNetwork(`IPAM driver ${JSON.stringify(ipamDriver)} not found`, 'leave --ipam-driver out');
  }
  if (ipamOptions[0] === undefined) return;
  throw invalidNetwork(`IPAM driver default has no option ${JSON.stringify(ipamOptions[0])}`, 'leave --ipam-opt out');
}

/** An IPv6 subnet is a wish for IPv6, although docker wants to hear `--ipv6` as well. */
function chooseFamilies(
  words: NetworkWords,
  options: NetworkRequest['options'],
  pools: readonly PoolRequest[],
): readonly Family[] {
  const said = { 4: words.ipv4, 6: words.ipv6 };
  const wanted = { 4: true, 6: pools.some(({ family }) => family === 6) };
  const chosen = families.filter((family) => {
    const text = options[enable[family]];
    const option = text === undefined ? wanted[family] : parseBoolean(text, enable[family], 'invalid-network');
    return said[family] ?? option;
  });
  if (chosen.length === 0)
    throw invalidNetwork('a network needs IPv4 or IPv6', 'leave --ipv4=false out, or add --ipv6');
  const stray = pools.find(({ family }) => !chosen.includes(family));
  if (stray === undefined) return chosen;
  const subnet = stray.subnet === undefined ? 'a subnet' : `subnet ${formatPrefix(stray.subnet)}`;
  throw invalidNetwork(
    `${subnet} is IPv${stray.family}, and the network has no IPv${stray.family}`,
    `leave --ipv${stray.family}=false out`,
  );
}

/** A bridge has one address a family. */
function requireOneEach(pools: readonly PoolRequest[]): void {
  for (const family of families) {
    if (pools.filter((pool) => pool.family === family).length < 2) continue;
    throw invalidNetwork(
      `a bridge network has one IPv${family} subnet`,
      'several are for macvlan and ipvlan; or make a network for each and connect containers to both',
    );
  }
}

/** @see RFC 8200 section 5 */
function requireRoom({ mtuBytes = 1280 }: DriverRequest, families: readonly Family[]): void {
  if (mtuBytes >= 1280 || !families.includes(6)) return;
  throw invalidNetwork(`an MTU of ${mtuBytes} is too small for IPv6`, 'take 1280 or more');
}

/** Where the machine itself has no place on the network, there is no way out and in. */
function requireInternal(driver: DriverRequest, internal: boolean): void {
  if (internal || driver.kind !== 'bridge' || !Object.values(driver.gatewayModes).includes('isolated')) return;
  throw invalidNetwork('gateway mode isolated is for internal networks', 'add --internal');
}

function requireEntrance(driver: DriverRequest, internal: boolean): void {
  if (!internal || driver.kind !== 'bridge' || driver.acceptedMark === undefined) return;
  throw new GangwayError('conflicting-options', 'nothing enters an internal network, whatever mark it carries', {
    hint: 'leave --internal or gangway.accept-fwmark out',
  });
}

/** Where the packets don't pass this machine's rules, nothing can hold them back. */
function parseLimits(texts: readonly string[], { kind }: DriverRequest, internal: boolean): EgressPolicy {
  if (kind !== 'bridge') {
    throw new GangwayError('not-supported', `--egress is for bridge networks: what a ${kind} sends, no rule sees`, {
      hint: 'make a bridge network, or leave --egress out',
    });
  }
  if (!internal) return parseEgress(texts);
  throw new GangwayError('conflicting-options', 'nothing leaves an internal network, whatever --egress says', {
    hint: 'leave --internal or --egress out',
  });
}

/** `KEY=VALUE` or `KEY`. The value is any text. */
function parseLabels(texts: readonly string[]): Readonly<Record<string, string>> {
  const labels = parsePairs(texts);
  for (const key of Object.keys(labels)) {
    if (key !== '' && !/\s/.test(key)) continue;
    throw new GangwayError('invalid-option', `--label ${JSON.stringify(key)} is no name for a label`, {
      hint: 'write KEY=VALUE, the key without blanks',
    });
  }
  return labels;
}
