/**
 * `--subnet`, `--ip-range`, `--gateway` and `--aux-address` of `network create`.
 *
 * All four may be repeated, and stand on the command line in any order: which belong together is told by where they lie.
 * Each range, gateway and auxiliary address must lie in one of the subnets, and each subnet has at most one range and
 * one gateway.
 *
 *     --subnet 10.1.0.0/16 --ip-range 10.1.5.0/24 --gateway 10.1.0.1 --aux-address printer=10.1.5.9
 *     --subnet 0.0.0.0/24      any free one of that size
 */
import {
  type Address,
  contains,
  formatAddress,
  formatPrefix,
  hostPrefix,
  isAddress,
  isUnspecified,
  network,
  overlaps,
  type Prefix,
  parseAddress,
  parsePrefix,
  reservedAs,
  sameAddress,
  unspecified,
} from './address.ts';
import { GangwayError } from './errors.ts';
import { cut } from './literal.ts';
import type { PoolRequest } from './network.ts';
import { present } from './present.ts';

/** As they were written, each as often as it was. Several may stand behind one another, with commas. */
export interface PoolWords {
  readonly subnets?: readonly string[];
  readonly ranges?: readonly string[];
  readonly gateways?: readonly string[];
  /** `NAME=ADDRESS` */
  readonly auxiliary?: readonly string[];
}

/** What no network can have, because every machine uses it for something else. */
const reserved: readonly (readonly [block: Prefix, use: string])[] = [
  [parsePrefix('0.0.0.0/8'), 'this machine'],
  [parsePrefix('127.0.0.0/8'), 'loopback'],
  [parsePrefix('224.0.0.0/4'), 'multicast'],
  [parsePrefix('240.0.0.0/4'), 'no use at all'],
  [parsePrefix('::/127'), 'loopback'],
  [parsePrefix('::ffff:0.0.0.0/96'), 'IPv4 in IPv6 sockets'],
  [parsePrefix('fe80::/10'), 'link-local addresses'],
  [parsePrefix('ff00::/8'), 'multicast'],
];

interface Auxiliary {
  readonly name: string;
  readonly address: Address;
}

/** @throws GangwayError invalid-address, invalid-network */
export function parsePools(words: PoolWords): readonly PoolRequest[] {
  const subnets = list(words.subnets).map(parseSubnet);
  const ranges = list(words.ranges).map((text) => parseBlock(text, '--ip-range'));
  const gateways = list(words.gateways).map((text) => parsePlace(text, '--gateway'));
  const auxiliary = (words.auxiliary ?? []).map(parseAuxiliary);
  refuseOverlap(subnets);
  for (const range of ranges) requireSubnet(subnets, range, `ip-range ${formatPrefix(range)}`);
  for (const gateway of gateways) requireSubnet(subnets, hostPrefix(gateway), `gateway ${formatAddress(gateway)}`);
  for (const { address } of auxiliary)
    requireSubnet(subnets, hostPrefix(address), `aux-address ${formatAddress(address)}`);
  return subnets.map((subnet) => {
    const range = onlyOne(ranges, ({ address }) => contains(subnet, address), { what: 'ip-range', subnet });
    const gateway = onlyOne(gateways, (one) => contains(subnet, one), { what: 'gateway', subnet });
    const pool = {
      family: subnet.address.family,
      ...present({ range, gateway }),
      auxiliary: named(auxiliary.filter(({ address }) => contains(subnet, address))),
    };
    return isUnspecified(subnet.address) ? { ...pool, length: subnet.length } : requireHosts({ ...pool, subnet });
  });
}

/** What `parsePools` reads as this. */
export function formatPools(pools: readonly PoolRequest[]): Required<PoolWords> {
  return {
    subnets: pools.flatMap(({ subnet, length, family }) => {
      if (subnet !== undefined) return formatPrefix(subnet);
      return length === undefined ? [] : formatPrefix({ address: unspecified(family), length });
    }),
    ranges: pools.flatMap(({ range }) => (range === undefined ? [] : formatPrefix(range))),
    gateways: pools.flatMap(({ gateway }) => (gateway === undefined ? [] : formatAddress(gateway))),
    auxiliary: pools.flatMap(({ auxiliary }) =>
      Object.entries(auxiliary).map(([name, address]) => `${name}=${formatAddress(address)}`),
    ),
  };
}

function list(texts: readonly string[] = []): readonly string[] {
  return texts.flatMap((text) => text.split(','));
}

function parseSubnet(text: string): Prefix {
  const subnet = parseBlock(text, '--subnet');
  if (isUnspecified(subnet.address)) return subnet;
  const [block, use] = reserved.find(([block]) => overlaps(block, subnet)) ?? [];
  if (block === undefined) return subnet;
  throw new GangwayError(
    'invalid-address',
    `subnet ${formatPrefix(subnet)} overlaps ${formatPrefix(block)}, which is for ${use}`,
    { hint: 'take a private one, in 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or fd00::/8' },
  );
}

/** A prefix without host bits. */
function parseBlock(text: string, option: string): Prefix {
  const [, address = '', digits = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const valid = isAddress(address) && Number(digits) <= (address.includes(':') ? 128 : 32);
  if (!valid) {
    throw new GangwayError('invalid-address', `${option} ${JSON.stringify(text)} is no subnet`, {
      hint: 'write an address and the length of its network part, as in 10.1.2.0/24',
    });
  }
  const written = parsePrefix(text);
  const block = network(written);
  if (sameAddress(block.address, written.address)) return block;
  throw new GangwayError('invalid-address', `${option} ${text} has host bits set`, {
    hint: `write ${formatPrefix(block)}`,
  });
}

function parsePlace(text: string, option: string): Address {
  if (isAddress(text)) return parseAddress(text);
  throw new GangwayError('invalid-address', `${option} ${JSON.stringify(text)} is no IP address`, {
    hint: 'write an address of the subnet, as in 10.1.2.1',
  });
}

function parseAuxiliary(text: string): Auxiliary {
  const [name, address] = cut(text);
  if (name !== '' && address !== '') return { name, address: parsePlace(address, `--aux-address ${name}`) };
  throw invalid(`--aux-address ${JSON.stringify(text)} is not NAME=ADDRESS`, 'as in printer=10.1.2.9');
}

function refuseOverlap(subnets: readonly Prefix[]): void {
  for (const [index, subnet] of subnets.entries()) {
    const rival = subnets.slice(0, index).find((other) => overlaps(other, subnet));
    if (rival === undefined) continue;
    throw invalid(`subnets ${formatPrefix(rival)} and ${formatPrefix(subnet)} overlap`, 'give each its own addresses');
  }
}

function requireSubnet(subnets: readonly Prefix[], inner: Prefix, what: string): void {
  const outer = subnets.find((subnet) => !isUnspecified(subnet.address) && overlaps(subnet, inner));
  if (outer === undefined) throw invalid(`no --subnet contains ${what}`, 'give the --subnet to which it belongs');
  if (inner.length >= outer.length) return;
  throw invalid(`${what} is larger than its subnet ${formatPrefix(outer)}`, 'a range is a part of the subnet');
}

function onlyOne<T>(
  given: readonly T[],
  belongs: (one: T) => boolean,
  { what, subnet }: { readonly what: string; readonly subnet: Prefix },
): T | undefined {
  const found = given.filter(belongs);
  if (found.length < 2) return found[0];
  throw invalid(`subnet ${formatPrefix(subnet)} has ${found.length} --${what}s`, `give one ${what} a subnet`);
}

function named(auxiliary: readonly Auxiliary[]): Readonly<Record<string, Address>> {
  for (const [index, { name, address }] of auxiliary.entries()) {
    const rival = auxiliary.slice(0, index).find((other) => other.name === name || sameAddress(other.address, address));
    if (rival === undefined) continue;
    const [first, second] = [rival, { name, address }].map((one) => `${one.name}=${formatAddress(one.address)}`);
    throw invalid(`aux-addresses ${first} and ${second} collide`, 'give each name one address of its own');
  }
  return Object.fromEntries(auxiliary.map(({ name, address }) => [name, address]));
}

/** All of them are addresses that a host may have, and nobody else has the gateway's. */
function requireHosts<P extends PoolRequest & { readonly subnet: Prefix }>(pool: P): P {
  const { subnet, gateway, auxiliary } = pool;
  if (gateway !== undefined) requireHost(subnet, gateway, `gateway ${formatAddress(gateway)}`);
  for (const [name, address] of Object.entries(auxiliary)) {
    const what = `aux-address ${name}=${formatAddress(address)}`;
    requireHost(subnet, address, what);
    if (gateway === undefined || !sameAddress(address, gateway)) continue;
    throw invalid(`${what} is the gateway of ${formatPrefix(subnet)}`, 'give the two different addresses');
  }
  return pool;
}

function requireHost(subnet: Prefix, address: Address, what: string): void {
  const use = reservedAs(subnet, address);
  if (use === undefined) return;
  throw invalid(`${what} is the ${use} of ${formatPrefix(subnet)}`, 'choose an address that a host may have');
}

function invalid(message: string, hint: string): GangwayError {
  return new GangwayError('invalid-network', message, { hint });
}
