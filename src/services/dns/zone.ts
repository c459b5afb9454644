/**
 * What one container may know of the others, as values.
 *
 * A network has one table of names, which all containers of the network share. A container's zone is the list of its
 * networks' tables, in the order in which they are asked (that of the gateways), with the names that it alone knows:
 * its links. Names are kept in lower case and records as bytes, since a table is made once and asked for ever.
 */
import { type Address, toBytes } from '../../values/address.ts';
import type { EgressPolicy } from '../../values/egress.ts';
import type { Upstream } from '../../values/resolver.ts';
import type { RecordData } from './encode-answer.ts';
import { recordType } from './message.ts';

/** A container in a network. */
export interface ZoneMember {
  /** Its own name first, then aliases (`*.x` is every name that ends in `.x`), its id's first 12 digits, its hostname. */
  readonly names: readonly string[];
  /** None for a container that is not running: its name is still nobody else's business. */
  readonly addresses: readonly Address[];
}

/** A name's records; of a name that several containers share, those of all. */
export interface NameRecords {
  readonly a: readonly RecordData[];
  readonly aaaa: readonly RecordData[];
}

/** All names of a network. */
export interface NameTable {
  readonly network: string;
  readonly names: ReadonlyMap<string, NameRecords>;
  /** By what follows `*.`. */
  readonly wildcards: ReadonlyMap<string, NameRecords>;
  /** By the name for the way back: `2.0.18.172.in-addr.arpa`. */
  readonly pointers: ReadonlyMap<string, RecordData>;
}

export interface ZoneNetwork {
  readonly table: NameTable;
  /** `--link CONTAINER:ALIAS`, in this network. */
  readonly links: ReadonlyMap<string, NameRecords>;
}

/** A network of the container by which something can leave. */
export interface EgressNetwork {
  readonly id: string;
  readonly network: string;
  /** The link on the machine: the bridge. */
  readonly link: string;
  /** Absent: to everybody. */
  readonly egress?: EgressPolicy;
}

export interface Zone {
  /** In the order of the gateways. */
  readonly networks: readonly ZoneNetwork[];
  /** Every network of the machine: what is a name in one of them is no stranger's business. May be the same for all zones. */
  readonly hostTables: readonly NameTable[];
  /** Is one of the networks not internal? Without it nothing leaves by the machine's own servers. */
  readonly hasExternalNetwork: boolean;
  /** A question may leave if one of them lets it. */
  readonly egressNetworks: readonly EgressNetwork[];
  readonly upstreams: readonly Upstream[];
  /** As a person said it; 0 where nobody did. */
  readonly ndots: number;
}

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

/** A container's links in one network: each alias with the addresses of the container behind it. */
export function linkTable(links: readonly ZoneMember[]): ReadonlyMap<string, NameRecords> {
  return collect(links);
}

function collect(members: readonly ZoneMember[]): Map<string, NameRecords> {
  const names = new Map<string, { a: RecordData[]; aaaa: RecordData[] }>();
  for (const member of members) {
    // Two of its names may be the same: that of the container and the hostname.
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

/** The name under which an address is asked for its name. @see RFC 1035 3.5, RFC 3596 2.5 */
export function reverseName(address: Address): string {
  if (address.family === 4) return `${[...toBytes(address)].reverse().join('.')}.in-addr.arpa`;
  const digits = address.value.toString(16).padStart(32, '0');
  return `${[...digits].reverse().join('.')}.ip6.arpa`;
}

/** Undefined where a label is longer than 63 bytes or empty: such a name can't be spoken. */
function encodeName(name: string): Uint8Array | undefined {
  if (name.length > 253) return undefined;
  const bytes = Buffer.alloc(name.length + 2);
  bytes.write(name, 1, 'latin1');
  let at = 0;
  for (const { length } of name.split('.')) {
    if (length === 0 || length > 63) return undefined;
    // In the place of the dot before it.
    bytes[at] = length;
    at += length + 1;
  }
  return bytes;
}
