/**
 * One option of a driver, `-o KEY=VALUE`: its name, how its text is read, and which field of the request it is.
 *
 * A row is read in both directions, so what is written is what was read.
 */
import { type Address, type Family, isAddress, isHostAddress, isUnspecified, parseAddress } from './address.ts';
import { GangwayError } from './errors.ts';
import { oneOf, parseBoolean, parseInteger } from './literal.ts';
import { parseNewLinkName } from './names.ts';

export interface Row<D> {
  readonly key: string;
  /** The request with the value of this text. @throws GangwayError invalid-network, invalid-name */
  readonly read: (driver: D, text: string) => D;
  /** The value's text; undefined where there is none. */
  readonly write: (driver: D) => string | undefined;
}

/** An option that is a field by itself. */
export function field<D, K extends keyof D & string>(
  key: string,
  name: K,
  parse: (text: string, key: string) => D[K],
  format: (value: NonNullable<D[K]>) => string = String,
): Row<D> {
  return {
    key,
    read: (driver, text) => ({ ...driver, [name]: parse(text, key) }),
    write: (driver) => (driver[name] == null ? undefined : format(driver[name])),
  };
}

/** The options that every driver has. */
export function commonRows<D extends { readonly mtuBytes?: number; readonly linkPrefix: string }>(): readonly Row<D>[] {
  return [
    field<D, 'mtuBytes'>('com.docker.network.driver.mtu', 'mtuBytes', parseMtu),
    field<D, 'linkPrefix'>('com.docker.network.container_iface_prefix', 'linkPrefix', parseLinkPrefix),
  ];
}

/** IPv4 demands 68 bytes of every link, and no IP packet is larger than 65535. @see RFC 791 */
const mtuBounds = { least: 68, most: 65_535 };

function parseMtu(text: string, key: string): number {
  const { least, most } = mtuBounds;
  const mtu = parseInteger(text, key, 'invalid-network');
  if (mtu >= least && mtu <= most) return mtu;
  throw invalidNetwork(
    `${key} ${mtu} is out of range, from ${least} to ${most}`,
    'leave it out for that of the uplink',
  );
}

/** A number is put behind it, and together they are a link's name. */
function parseLinkPrefix(text: string): string {
  parseNewLinkName(`${text}1000`);
  return text;
}

export function parseFlag(text: string, key: string): boolean {
  return parseBoolean(text, key, 'invalid-network');
}

/** One of these words. */
export function choice<T extends string>(...choices: readonly T[]): (text: string, key: string) => T {
  return (text, key) => oneOf(key, text, choices, 'invalid-network');
}

export function parseAddressOf(family: Family, text: string, key: string): Address {
  const address = isAddress(text) ? parseAddress(text) : undefined;
  if (address?.family === family && (isUnspecified(address) || isHostAddress(address))) return address;
  throw invalidNetwork(`${key} ${JSON.stringify(text)} is no IPv${family} address`, 'write an address of this machine');
}

export function invalidNetwork(message: string, hint: string): GangwayError {
  return new GangwayError('invalid-network', message, { hint });
}
