/** Where everybody stands in the worlds of worlds.ts, which draws it. */
import type { Family } from '../../../src/values/address.ts';

export const families = [4, 6] as const;
export const numbers = [1, 2, 3] as const;
export type NetworkNumber = (typeof numbers)[number];
export type ContainerName = `${'a' | 'b'}${NetworkNumber}`;
export const containerNames = numbers.flatMap((number): ContainerName[] => [`a${number}`, `b${number}`]);

export const outsiders = {
  world: { link: 'up0', near: { 4: '203.0.113.1', 6: '2001:db8:f::1' }, far: { 4: '203.0.113.2', 6: '2001:db8:f::2' } },
  partner: {
    link: 'pa0',
    near: { 4: '198.51.100.1', 6: '2001:db8:e::1' },
    far: { 4: '198.51.100.2', 6: '2001:db8:e::2' },
  },
} as const;
/** The machine's second address on up0, under which a network may choose to go out. */
export const chosenSource = { 4: '203.0.113.9', 6: '2001:db8:f::9' } as const;

export function subnet(number: NetworkNumber, family: Family): string {
  return family === 4 ? `10.0.${number}.0/24` : `fd00:0:0:${number}::/64`;
}

/** 1 is the gateway's, 2 a's, 3 b's, 9 nobody's. */
export function addressIn(number: NetworkNumber, family: Family, host: 1 | 2 | 3 | 9): string {
  return family === 4 ? `10.0.${number}.${host}` : `fd00:0:0:${number}::${host}`;
}

export function addressOf(container: ContainerName, family: Family): string {
  const number = Number(container[1]) as NetworkNumber;
  return addressIn(number, family, container.startsWith('a') ? 2 : 3);
}

/** Everybody has one in IPv6, besides. */
export function linkLocal(container: ContainerName): string {
  return container.startsWith('a') ? 'fe80::2' : 'fe80::3';
}

/** An address behind a bridge that world has, too, and may claim. No container has it. */
export function claimed(number: NetworkNumber, family: Family): string {
  return addressIn(number, family, 9);
}

export function lengthOf(family: Family): number {
  return family === 4 ? 24 : 64;
}
