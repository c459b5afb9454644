/**
 * The egress policy of a network: to whom beyond it its containers may begin to speak.
 *
 *     allow=10.0.0.0/8,203.0.113.7:443    to these, and to nobody else
 *     deny=169.254.0.0/16                 to everybody but these
 *     both                                what is denied is denied, also where it is allowed
 *
 * Siblings on the same network are not beyond it. Whoever began a connection may be answered.
 */
import { type Address, contains, type Prefix } from './address.ts';
import type { Port, PortRange, Protocol } from './port.ts';

export interface EgressPolicy {
  /** Nothing in it: to everybody who is not denied. */
  readonly allow: readonly EgressEntry[];
  readonly deny: readonly EgressEntry[];
}

/** Whom an entry means, and at which ports. */
export type EgressEntry = PrefixEntry | NameEntry;

interface AtPorts {
  /** Absent: all that there is to say, pings included. */
  readonly ports?: PortRange;
  /** Absent: both. Only where there are ports. */
  readonly protocol?: Protocol;
}

export interface PrefixEntry extends AtPorts {
  readonly kind: 'prefix';
  readonly prefix: Prefix;
}

export interface NameEntry extends AtPorts {
  readonly kind: 'name';
  /** In lower case, without a dot at its end. */
  readonly name: string;
  /** `*.example.com`: every name below it, and not itself. */
  readonly subdomains: boolean;
}

/** An address, and the port there; undefined: a ping. */
export interface Spoken {
  readonly address: Address;
  readonly port: Port | undefined;
}

/** The entry by which somebody is meant, if there is one. */
export function entryFor(entries: readonly EgressEntry[], { address, port }: Spoken): PrefixEntry | undefined {
  return entries.find(
    (entry): entry is PrefixEntry =>
      entry.kind === 'prefix' && contains(entry.prefix, address) && meansPort(entry, port),
  );
}

/**
 * May a question for this name leave? Where some are allowed, no other one may: a question is a message, too.
 *
 * @param name in lower case, without a dot at its end; a dot within a label is `\\.`
 */
export function letsAsk({ allow, deny }: EgressPolicy, name: string): boolean {
  if (isDenied({ deny }, name)) return false;
  return allow.length === 0 || allow.some((entry) => meansName(entry, name));
}

export function isDenied({ deny }: Pick<EgressPolicy, 'deny'>, name: string): boolean {
  return deny.some((entry) => meansName(entry, name));
}

/** What is allowed to whoever has this name. */
export function entriesNamed({ allow }: EgressPolicy, name: string): readonly NameEntry[] {
  return allow.filter((entry): entry is NameEntry => meansName(entry, name));
}

/** Is there somebody who is allowed by name? */
export function allowsNames({ allow }: EgressPolicy): boolean {
  return allow.some(({ kind }) => kind === 'name');
}

function meansName(entry: EgressEntry, name: string): entry is NameEntry {
  if (entry.kind !== 'name') return false;
  return entry.subdomains ? isBelow(name, entry.name) : name === entry.name;
}

/** A dot with an odd number of backslashes before it is within a label. */
function isBelow(name: string, parent: string): boolean {
  const before = name.slice(0, -parent.length - 1);
  return name === `${before}.${parent}` && before !== '' && (/\\*$/.exec(before)?.[0].length ?? 0) % 2 === 0;
}

function meansPort({ ports, protocol }: AtPorts, port: Port | undefined): boolean {
  if (ports === undefined) return true;
  if (port === undefined || port.protocol !== (protocol ?? port.protocol)) return false;
  return ports.first <= port.port && port.port <= ports.last;
}
