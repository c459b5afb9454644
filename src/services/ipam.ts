/**
 * Which subnet a network gets, and which address a container.
 *
 * Pure functions: who asks says what is taken. A subnet is taken when it overlaps a network of ours or any route of
 * the machine, those through a gateway included: a VPN that pushes 172.17.0.0/16 must win. Addresses are given out
 * round the subnet, not lowest first, so that one that was let go rests for a while: neighbours and clients may still
 * remember whose it was.
 *
 * @see Docker's default-address-pools
 */
import {
  type Address,
  contains,
  formatPrefix,
  lastAddress,
  network,
  offset,
  overlaps,
  type Prefix,
  parsePrefix,
} from '../values/address.ts';
import { GangwayError } from '../values/errors.ts';

/** Docker's own: 172.17.0.0/16 to 172.31.0.0/16, then sixteen /20 of 192.168.0.0/16. */
const defaultPools: readonly Prefix[] = [
  ...Array.from({ length: 15 }, (_, index) => parsePrefix(`172.${17 + index}.0.0/16`)),
  ...Array.from({ length: 16 }, (_, index) => parsePrefix(`192.168.${index * 16}.0/20`)),
];

/** The first pool that overlaps nothing. @throws GangwayError pool-exhausted */
export function chooseSubnet(taken: readonly Prefix[]): Prefix {
  const found = defaultPools.find((pool) => !taken.some((other) => overlaps(pool, other)));
  if (found !== undefined) return found;
  throw new GangwayError(
    'pool-exhausted',
    'no default subnet is free: each overlaps a network or a route of this machine',
    {
      hint: '`ip route` shows the routes; a route that covers all of 172.16.0.0/12 and 192.168.0.0/16 takes every pool',
    },
  );
}

/** The first host of a subnet: the gateway's place. */
export function firstHost(subnet: Prefix): Address {
  return offset(network(subnet).address, 1);
}

/**
 * The next free address behind `cursor`, round the subnet; never its first or last one.
 *
 * @throws GangwayError pool-exhausted
 */
export function chooseAddress(subnet: Prefix, taken: readonly Address[], cursor: Address | undefined): Address {
  const first = firstHost(subnet);
  const end = lastAddress(subnet);
  const count = end.value - first.value;
  const start = cursor !== undefined && contains(subnet, cursor) ? cursor.value - first.value + 1n : 0n;
  const used = new Set(taken.map(({ value }) => value));
  // Of `taken.length + 1` candidates one is free, if there are so many.
  const attempts = count < BigInt(used.size) + 1n ? count : BigInt(used.size) + 1n;
  for (let step = 0n; step < attempts; step++) {
    const candidate = offset(first, (start + step) % count);
    if (!used.has(candidate.value)) return candidate;
  }
  throw new GangwayError('pool-exhausted', `no address is free in ${formatPrefix(subnet)}`, {
    hint: 'remove containers that are no longer needed',
  });
}
