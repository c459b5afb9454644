/**
 * Internet addresses and prefixes, IPv4 and IPv6 in one type.
 *
 * An address is its family and its value as a number; what differs between the families is two constants, the width
 * and the way of writing. Nothing above this file asks for the family to choose a code path, only to choose a word.
 */
import ipaddr from 'ipaddr.js';
import { GangwayError } from './errors.ts';

export type Family = 4 | 6;

/** For what is done for each of them. */
export const families: readonly Family[] = [4, 6];

/** One address. `value` is the address in network order, read as a number. */
export interface Address {
  readonly family: Family;
  readonly value: bigint;
}

/** An address with the length of its network part: `172.17.0.1/16`. The host bits may be set. */
export interface Prefix {
  readonly address: Address;
  readonly length: number;
}

/** Bits of an address: 32 or 128. */
export function width(family: Family): number {
  return family === 4 ? 32 : 128;
}

/** The address alone: `172.17.0.2/32`. */
export function hostPrefix(address: Address): Prefix {
  return { address, length: width(address.family) };
}

/**
 * Reads an address as people write it: four decimal numbers, or RFC 4291 text without a zone.
 *
 * `010.1.1.1` and `1` are refused, although inet_aton(3) takes them: nobody who types them means the same.
 *
 * @throws GangwayError invalid-address
 */
export function parseAddress(text: string): Address {
  const bytes = addressBytes(text);
  if (bytes === undefined) throw new GangwayError('invalid-address', `invalid IP address: ${text}`);
  return fromBytes(bytes);
}

/** Is this text an address? */
export function isAddress(text: string): boolean {
  return addressBytes(text) !== undefined;
}

/** Four numbers from 0 to 255, without leading zeros, which some take for octal. */
const fourNumbers = /^(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(\.(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}$/;

function addressBytes(text: string): readonly number[] | undefined {
  if (fourNumbers.test(text)) return text.split('.').map(Number);
  return isSixText(text) ? ipaddr.IPv6.parse(text).toByteArray() : undefined;
}

/** An IPv4 address at the end, `::ffff:172.17.0.2`, is held to the same writing as one that stands alone. */
function isSixText(text: string): boolean {
  if (!text.includes(':') || text.includes('%') || !ipaddr.IPv6.isValid(text)) return false;
  const end = text.slice(text.lastIndexOf(':') + 1);
  return !end.includes('.') || fourNumbers.test(end);
}

/** Four or sixteen bytes in network order, as the kernel carries them. */
export function fromBytes(bytes: Iterable<number>): Address {
  let value = 0n;
  let count = 0;
  for (const byte of bytes) {
    value = (value << 8n) | BigInt(byte);
    count++;
  }
  return { family: count === 4 ? 4 : 6, value };
}

/** The address as the kernel carries it: four or sixteen bytes in network order. */
export function toBytes(address: Address): Uint8Array {
  const { buffer } = new BigUint64Array(2);
  const view = new DataView(buffer);
  view.setBigUint64(0, address.value >> 64n);
  view.setBigUint64(8, address.value);
  return new Uint8Array(buffer, 16 - width(address.family) / 8);
}

/** `172.17.0.2`, or RFC 5952 text: `fd00::2`. */
export function formatAddress(address: Address): string {
  const { family, value } = address;
  if (family === 4) return formatIpv4(Number(value));
  // Thousands of published ports have it.
  if (value === 0n) return '::';
  return ipaddr.fromByteArray([...toBytes(address)]).toString();
}

function formatIpv4(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 0xff}.${(value >>> 8) & 0xff}.${value & 0xff}`;
}

/** The address as it stands before a port: `172.17.0.2`, `[fd00::2]`. */
export function formatHost(address: Address): string {
  return address.family === 4 ? formatAddress(address) : `[${formatAddress(address)}]`;
}

/** 0.0.0.0 or ::, which binds to every address of its family. */
export function unspecified(family: Family): Address {
  return { family, value: 0n };
}

export function isUnspecified(address: Address): boolean {
  return address.value === 0n;
}

/** In 127.0.0.0/8, or ::1. */
export function isLoopback(address: Address): boolean {
  return address.family === 4 ? address.value >> 24n === 127n : address.value === 1n;
}

/** In 224.0.0.0/4 or ff00::/8: a group's, and nobody's own. */
function isMulticast(address: Address): boolean {
  return address.family === 4 ? address.value >> 28n === 0xen : address.value >> 120n === 0xffn;
}

/**
 * May a host have it for its own? Not so the unspecified one, a group's, and what ends in the broadcast address: 240.0.0.0/4.
 */
export function isHostAddress(address: Address): boolean {
  const forNoUse = address.family === 4 && address.value >> 28n === 0xfn;
  return !isUnspecified(address) && !isMulticast(address) && !forNoUse;
}

/** In 169.254.0.0/16 or fe80::/10: good on one wire. */
export function isLinkLocal(address: Address): boolean {
  return address.family === 4 ? address.value >> 16n === 0xa9fen : address.value >> 118n === 0x3fan;
}

/** Of somebody's own network, of one wire, of one machine, of a group, or of nobody; and those that stand for an IPv4 one. */
const notForTheWorld = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24'],
  ...['192.168.0.0/16', '198.18.0.0/15', '224.0.0.0/3', '::/3', '4000::/2', '8000::/1', '2001::/32', '2002::/16'],
].map((text) => parsePrefix(text));

/** May it be somebody's out in the world? @see IANA's registries of special-purpose addresses, RFC 6890 */
export function isOfTheWorld(address: Address): boolean {
  return !notForTheWorld.some((prefix) => contains(prefix, address));
}

/** An address of IPv4 as it is, also where a socket of IPv6 speaks it: `203.0.113.2` for `::ffff:203.0.113.2`. */
export function plainAddress(address: Address): Address {
  return address.family === 6 && address.value >> 32n === 0xffffn
    ? { family: 4, value: address.value & 0xffff_ffffn }
    : address;
}

/** Two that are absent are the same. */
export function sameAddress(a: Address | undefined, b: Address | undefined): boolean {
  return a?.family === b?.family && a?.value === b?.value;
}

/** The address `count` steps further. */
export function offset(address: Address, count: bigint | number): Address {
  return { family: address.family, value: address.value + BigInt(count) };
}

/**
 * Reads `172.17.0.0/16` or `fd00::/64`. Host bits are kept.
 *
 * @throws GangwayError invalid-address
 */
export function parsePrefix(text: string): Prefix {
  const [, address, length] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  if (address === undefined || length === undefined || !isAddress(address)) throw invalidPrefix(text);
  const prefix = { address: parseAddress(address), length: Number(length) };
  if (prefix.length > width(prefix.address.family)) throw invalidPrefix(text);
  return prefix;
}

function invalidPrefix(text: string): GangwayError {
  return new GangwayError('invalid-address', `invalid subnet ${text}: invalid CIDR block notation`);
}

export function formatPrefix(prefix: Prefix): string {
  return `${formatAddress(prefix.address)}/${prefix.length}`;
}

function hostMask(prefix: Prefix): bigint {
  return (1n << BigInt(width(prefix.address.family) - prefix.length)) - 1n;
}

/** The prefix with its host bits cleared: the network of 172.17.0.1/16 is 172.17.0.0/16. */
export function network(prefix: Prefix): Prefix {
  const { family, value } = prefix.address;
  return { address: { family, value: value & ~hostMask(prefix) }, length: prefix.length };
}

/** The last address of the prefix; in IPv4 the broadcast address. */
export function lastAddress(prefix: Prefix): Address {
  const { family, value } = prefix.address;
  return { family, value: value | hostMask(prefix) };
}

export function contains(prefix: Prefix, address: Address): boolean {
  return (
    prefix.address.family === address.family &&
    network({ address, length: prefix.length }).address.value === network(prefix).address.value
  );
}

export function overlaps(a: Prefix, b: Prefix): boolean {
  return contains(a, b.address) || contains(b, a.address);
}

/**
 * What an address of a subnet is kept for, where no host may have it.
 *
 * In a subnet of two or one (/31, /127, /32, /128) every address is a host's. IPv6 has no broadcast; its lowest address
 * is every router's.
 *
 * @see RFC 3021, RFC 6164, RFC 4291 section 2.6.1
 */
export function reservedAs(subnet: Prefix, address: Address): 'network address' | 'broadcast address' | undefined {
  if (subnet.length >= width(subnet.address.family) - 1) return undefined;
  if (sameAddress(address, network(subnet).address)) return 'network address';
  return address.family === 4 && sameAddress(address, lastAddress(subnet)) ? 'broadcast address' : undefined;
}
