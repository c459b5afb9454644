/**
 * The zone of one container: the names that its name server answers.
 *
 * A network has one table of names, shared by its containers. A container's zone lists the tables of its networks in
 * gateway order, with the container's links. Names are in lower case, and records are encoded once.
 */
import { type Address, toBytes } from '../../values/address.ts';
import type { EgressPolicy } from '../../values/egress.ts';
import type { Upstream } from '../../values/resolver.ts';
import type { RecordData } from './encode-answer.ts';
import { recordType } from './message.ts';

/** A container in a network. */
export interface ZoneMember {
  /** Container name, aliases (`*.x` matches every name that ends in `.x`), short id, hostname. */
  readonly names: readonly string[];
  /** Empty for a container that is not running; its name stays in the table, and is not forwarded. */
  readonly addresses: readonly Address[];
}

/** The records of a name, which several containers can share. */
export interface NameRecords {
  readonly a: readonly RecordData[];
  readonly aaaa: readonly RecordData[];
}

/** The names of a network. */
export interface NameTable {
  readonly network: string;
  readonly names: ReadonlyMap<string, NameRecords>;
  /** By the part behind `*.`. */
  readonly wildcards: ReadonlyMap<string, NameRecords>;
  /** PTR records by reverse name: `2.0.18.172.in-addr.arpa`. */
  readonly pointers: ReadonlyMap<string, RecordData>;
}

export interface ZoneNetwork {
  readonly table: NameTable;
  /** `--link CONTAINER:ALIAS`. */
  readonly links: ReadonlyMap<string, NameRecords>;
}

/** A network of the container with a route to external networks. */
export interface EgressNetwork {
  readonly id: string;
  readonly network: string;
  /** The bridge. */
  readonly link: string;
  /** Absent: all destinations are allowed. */
  readonly egress?: EgressPolicy;
}

export interface Zone {
  /** In gateway order. */
  readonly networks: readonly ZoneNetwork[];
  /** All networks of the host: their names are not forwarded. Zones may share this list. */
  readonly hostTables: readonly NameTable[];
  /** Is one of the networks not internal? Otherwise the host's servers are not used. */
  readonly hasExternalNetwork: boolean;
  /** A query is forwarded if one of these networks allows it. */
  readonly egressNetworks: readonly EgressNetwork[];
  readonly upstreams: readonly Upstream[];
  /** The configured value; 0 if absent. */
  readonly ndots: number;
}

/** Builds the name table of a network. */
export function nameTable(network: string, members: readonly ZoneMember[]): NameTable {
  const names = collect(members);
  const wildcards = new Map(
    [...names].filter(([name]) => name.startsWith('*.')).map(([name, found]) => [name.slice(2), found]),
  );
  const pointers = new Map<string, RecordData>();
  for (const member of members) {
    const data = member.names.map((name) => encodeName(`${name}.${network}`)).find((name) => name !== undefined);
    if (data === undefined) continue;
    for (const address of member.addresses) pointers.set(reverseName(address), { type: recordType.PTR, data });
  }
  return { network: network.toLowerCase(), names, wildcards, pointers };
}

/** Builds the link table of a container in one network: the addresses of each linked container by alias. */
export function linkTable(links: readonly ZoneMember[]): ReadonlyMap<string, NameRecords> {
  return collect(links);
}

function collect(members: readonly ZoneMember[]): Map<string, NameRecords> {
  const names = new Map<string, { a: RecordData[]; aaaa: RecordData[] }>();
  for (const member of members) {
    // The container name and the hostname can be equal.
    for (const name of new Set(member.names.map((text) => text.toLowerCase()))) {
      const found = names.get(name) ?? { a: [], aaaa: [] };
      names.set(name, found);
      for (const address of member.addresses) {
        if (address.family === 4) found.a.push({ type: recordType.A, data: toBytes(address) });
        else found.aaaa.push({ type: recordType.AAAA, data: toBytes(address) });
      }
    }
  }
  return names;
}

/** Returns the name of an address's PTR record. @see RFC 1035 3.5, RFC 3596 2.5 */
export function reverseName(address: Address): string {
  if (address.family === 4) return `${[...toBytes(address)].reverse().join('.')}.in-addr.arpa`;
  const digits = address.value.toString(16).padStart(32, '0');
  return `${[...digits].reverse().join('.')}.ip6.arpa`;
}

/** Encodes a name; undefined for a name over 253 bytes, or with an empty label or one over 63 bytes. */
function encodeName(name: string): Uint8Array | undefined {
  if (name.length > 253) return undefined;
  const bytes = Buffer.alloc(name.length + 2);
  bytes.write(name, 1, 'latin1');
  let at = 0;
  for (const { length } of name.split('.')) {
    if (length === 0 || length > 63) return undefined;
    // The length replaces the dot in front of the label.
    bytes[at] = length;
    at += length + 1;
  }
  return bytes;
}
