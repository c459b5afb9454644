/**
 * Which subnets a network gets, and which address a container.
 *
 * Pure functions: who asks says what is taken. A subnet is chosen that overlaps no network of ours, no name server and
 * no route of the machine, those through a gateway included: a VPN that pushes 172.17.0.0/16 must win. Addresses are
 * given out round the subnet, not lowest first, so that one that was let go rests for a while: neighbours and clients
 * may still remember whose it was.
 *
 * All sizes cost the same: what is free is found by walking over what is taken, and an IPv6 network has more addresses
 * than time.
 *
 * @see Docker's default-address-pools, RFC 4193 for the IPv6 ones
 */
import {
  type Address,
  contains,
  type Family,
  formatAddress,
  formatPrefix,
  lastAddress,
  network,
  offset,
  overlaps,
  type Prefix,
  parsePrefix,
  reservedAs,
  sameAddress,
  width,
} from '../values/address.ts';
import { GangwayError } from '../values/errors.ts';
import { fixedAddresses, type NetworkRequest, type PoolRequest, type Subnet } from '../values/network.ts';

/** A prefix that is somebody's, and whose: `network web`, `route 10.8.0.0/16 dev tun0`, `name server 10.0.0.2`. */
export interface TakenPrefix {
  readonly prefix: Prefix;
  readonly by: `${'network' | 'route' | 'name server'} ${string}`;
}

type Asked = Pick<NetworkRequest, 'families' | 'pools' | 'driver' | 'internal'>;

/** Where free subnets are looked for, and their length unless another one is asked for. */
interface Region {
  readonly within: Prefix;
  readonly length: number;
}

/**
 * Docker's 31 first, in its order; then /24s of what they leave over of the private addresses, some 70,000. The last
 * region, for measurements between routers, helps where a VPN has taken all private ones.
 *
 * @see RFC 1918, RFC 2544
 */
const regions4: readonly Region[] = [
  ...Array.from({ length: 15 }, (_, index) => region(`172.${17 + index}.0.0/16`, 16)),
  region('192.168.0.0/16', 20),
  region('172.16.0.0/12', 24),
  region('192.168.0.0/16', 24),
  region('10.0.0.0/8', 24),
  region('198.18.0.0/15', 24),
];

function region(within: string, length: number): Region {
  return { within: parsePrefix(within), length };
}

/**
 * The subnets of a new network, in the order in which they were asked for, IPv4 before IPv6.
 *
 * @param ula this machine's own fd00::/48, out of which IPv6 subnets are chosen
 * @throws GangwayError pool-overlaps, pool-exhausted
 */
export function choosePools(request: Asked, taken: readonly TakenPrefix[], ula: Prefix): readonly Subnet[] {
  const asked = request.families.flatMap((family) => poolsOf(request, family));
  const real = taken.filter((one) => !isDefaultRoute(one));
  for (const { subnet } of asked) if (subnet !== undefined) refuseOverlap(subnet, real, request);
  const chosen: Prefix[] = asked.flatMap(({ subnet }) => subnet ?? []);
  return asked.map((pool) => {
    const subnet = pool.subnet ?? freeSubnet(pool, [...real.map(({ prefix }) => prefix), ...chosen], ula);
    chosen.push(subnet);
    return withGateway(pool, subnet, request);
  });
}

function poolsOf({ pools }: Asked, family: Family): readonly PoolRequest[] {
  const asked = pools.filter((pool) => pool.family === family);
  return asked.length === 0 ? [{ family, auxiliary: {} }] : asked;
}

/** A VPN takes all traffic with two or more routes as large as 0.0.0.0/1: that is a default route, and in nobody's way. */
function isDefaultRoute({ prefix, by }: TakenPrefix): boolean {
  return by.startsWith('route ') && prefix.length < 8;
}

/**
 * A bridge puts a route on the machine, which must not cover another one. Macvlan and ipvlan put none: their subnet is
 * commonly that of the parent link. A name server may be a container to come.
 */
function refuseOverlap(subnet: Prefix, taken: readonly TakenPrefix[], { driver }: Asked): void {
  const rival = taken.find(
    ({ prefix, by }) =>
      overlaps(prefix, subnet) && (by.startsWith('network ') || (driver.kind === 'bridge' && by.startsWith('route '))),
  );
  if (rival === undefined) return;
  const { prefix, by } = rival;
  throw new GangwayError(
    'pool-overlaps',
    `subnet ${formatPrefix(subnet)} overlaps ${formatPrefix(network(prefix))} (${by})`,
    { hint: 'choose another --subnet, or leave it out: then a free one is found' },
  );
}

function freeSubnet({ family, length }: PoolRequest, taken: readonly Prefix[], ula: Prefix): Prefix {
  const sorted = taken
    .filter(({ address }) => address.family === family)
    .map(network)
    .sort((a, b) => Number(a.address.value > b.address.value) - Number(a.address.value < b.address.value));
  for (const region of family === 4 ? regions4 : [{ within: ula, length: 64 }]) {
    const found = lowestFree(region.within, length ?? region.length, sorted);
    if (found !== undefined) return found;
  }
  const size = length === undefined ? 'default subnet' : `subnet of length /${length}`;
  throw new GangwayError('pool-exhausted', `no ${size} is free: each overlaps a network or a route of this machine`, {
    hint: '`gangway network prune` removes unused networks, `ip route` shows the routes',
  });
}

/** The lowest subnet of this length that overlaps nothing. @param taken sorted, without host bits */
function lowestFree(within: Prefix, length: number, taken: readonly Prefix[]): Prefix | undefined {
  const { family } = within.address;
  if (length < within.length) return undefined;
  const size = 1n << BigInt(width(family) - length);
  let start = network(within).address.value;
  for (const block of taken) {
    const last = lastAddress(block).value;
    if (last < start) continue;
    if (block.address.value >= start + size) break;
    start = (last / size + 1n) * size;
  }
  const found: Prefix = { address: { family, value: start }, length };
  return contains(within, found.address) ? found : undefined;
}

function withGateway({ range, gateway, auxiliary }: PoolRequest, subnet: Prefix, request: Asked): Subnet {
  const pool = { subnet, ...(range !== undefined && { range }), auxiliary };
  if (gateway !== undefined) return { ...pool, gateway };
  return needsGateway(request, subnet.address.family) ? { ...pool, gateway: chooseAddress(pool, [], undefined) } : pool;
}

/** On a bridge the machine itself is the way out. On macvlan and ipvlan it is whoever the person says, or nobody. */
function needsGateway({ driver, internal }: Asked, family: Family): boolean {
  if (driver.kind !== 'bridge' || driver.gatewayModes[family] === 'isolated') return false;
  return !(family === 4 && driver.inhibitIpv4 && internal);
}

/**
 * The next free address behind `cursor`, round the range.
 *
 * @param cursor the address given out last
 * @throws GangwayError pool-exhausted
 */
export function chooseAddress(subnet: Subnet, used: readonly Address[], cursor: Address | undefined): Address {
  const within = subnet.range ?? subnet.subnet;
  const [lowest, highest] = [network(within).address, lastAddress(within)];
  const first = reservedAs(subnet.subnet, lowest) === undefined ? lowest : offset(lowest, 1);
  const last = reservedAs(subnet.subnet, highest) === undefined ? highest : offset(highest, -1);
  const blocked = new Set(
    [...used, ...fixedAddresses(subnet)].filter(({ family }) => family === first.family).map(({ value }) => value),
  );
  const count = last.value - first.value + 1n;
  const behind = cursor?.family === first.family && cursor.value >= first.value && cursor.value <= last.value;
  const start = behind ? cursor.value - first.value + 1n : 0n;
  // One of `blocked.size + 1` candidates is free, if there are so many.
  const attempts = count <= blocked.size ? count : BigInt(blocked.size) + 1n;
  for (let step = 0n; step < attempts; step++) {
    const candidate = offset(first, (start + step) % count);
    if (!blocked.has(candidate.value)) return candidate;
  }
  throw new GangwayError('pool-exhausted', `no address is free in ${formatPrefix(within)}`, {
    hint: 'remove containers that are no longer needed',
  });
}

/** Might a container get this address again, that it had before? */
export function isFree(subnet: Subnet, address: Address, used: readonly Address[]): boolean {
  const within = subnet.range ?? subnet.subnet;
  return (
    contains(within, address) &&
    reservedAs(subnet.subnet, address) === undefined &&
    holderOf(subnet, address) === undefined &&
    !used.some((one) => sameAddress(one, address))
  );
}

/**
 * Holds an address that a person wants for a container to its subnet. It may lie outside of the range.
 *
 * @throws GangwayError invalid-address, address-in-use
 */
export function checkAddress(subnet: Subnet, wanted: Address, used: readonly Address[]): void {
  const [written, whole] = [formatAddress(wanted), formatPrefix(subnet.subnet)];
  if (!contains(subnet.subnet, wanted)) throw invalid(`address ${written} is not in subnet ${whole}`);
  const reserved = reservedAs(subnet.subnet, wanted);
  if (reserved !== undefined) throw invalid(`address ${written} is the ${reserved} of ${whole}`);
  const holder = holderOf(subnet, wanted);
  if (holder !== undefined) throw inUse(`address ${written} is ${holder}`);
  refuseInUse(wanted, used);
}

/** @throws GangwayError address-in-use */
export function refuseInUse(wanted: Address, used: readonly Address[]): void {
  if (used.some((one) => sameAddress(one, wanted))) throw inUse(`address ${formatAddress(wanted)} is in use`);
}

function inUse(message: string): GangwayError {
  return new GangwayError('address-in-use', message, {
    hint: 'choose another one, or leave it out: then a free one is found',
  });
}

function holderOf({ subnet, gateway, auxiliary }: Subnet, wanted: Address): string | undefined {
  if (sameAddress(gateway, wanted)) return `the gateway of ${formatPrefix(subnet)}`;
  const name = Object.keys(auxiliary).find((key) => sameAddress(auxiliary[key] ?? subnet.address, wanted));
  return name === undefined ? undefined : `reserved as --aux-address ${name}`;
}

function invalid(message: string): GangwayError {
  return new GangwayError('invalid-address', message, { hint: 'choose an address that a host of the subnet may have' });
}
