/** How full a subnet is: what `network inspect` counts. */
import { type Address, contains, lastAddress, network, type Prefix, reservedAs } from '../values/address.ts';
import { fixedAddresses, type Subnet } from '../values/network.ts';

export interface Occupancy {
  /** Addresses that no container can get, since somebody has them or they are kept for something. */
  readonly inUse: bigint;
  /** Addresses that a container may be given without asking for one. */
  readonly available: bigint;
}

/** @param used addresses of containers, wherever they are */
export function occupancy(subnet: Subnet, used: readonly Address[]): Occupancy {
  const { subnet: whole, range = whole } = subnet;
  const kept = [network(whole).address, lastAddress(whole)].filter((end) => reservedAs(whole, end) !== undefined);
  const taken = (within: Prefix) =>
    BigInt(
      new Set(
        [...kept, ...fixedAddresses(subnet), ...used].filter((one) => contains(within, one)).map(({ value }) => value),
      ).size,
    );
  const size = lastAddress(range).value - network(range).address.value + 1n;
  return { inUse: taken(whole), available: size - taken(range) };
}
