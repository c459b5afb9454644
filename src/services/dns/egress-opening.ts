/**
 * Egress by name: the addresses of a DNS answer that an egress policy opens for its network.
 *
 * An answer names the addresses at the end of its chain of aliases (CNAME). Each address stays open for its TTL, at least 30
 * seconds and at most an hour, plus 30 seconds for a late connection. Larger TTLs in the answer are cut to an hour, so that no
 * client uses an address after it closes.
 *
 * The owner of a name can give it any address. So only addresses of the Internet open; a private address needs a policy
 * entry by address. An answer whose chain contains a denied name opens nothing.
 *
 * Answers are untrusted: records outside the chain are ignored, and limits apply. A reply can hold thousands of records with
 * pointers to names of 126 labels, so each spelling of a record's owner is read once.
 *
 * @see RFC 1034 section 3.6.2
 */
import { type Address, fromBytes, isOfTheWorld } from '../../values/address.ts';
import { entriesNamed, isDenied } from '../../values/egress.ts';
import {
  classIn,
  labelText,
  locateRecords,
  type Question,
  type RecordLocation,
  readTtl,
  recordType,
} from './message.ts';
import type { EgressNetwork, Zone } from './zone.ts';

const openSeconds = { min: 30, max: 3600, grace: 30 } as const;
/** Pointers: one for each possible label. Owners: the names of the chain, in full and as pointers. */
const limits = { names: 16, owners: 32, addresses: 64, pointers: 127 } as const;

/** Addresses that open for one network. */
export interface EgressOpening {
  readonly exit: EgressNetwork;
  readonly name: string;
  readonly addresses: readonly { readonly address: Address; readonly seconds: number }[];
}

/** Opens addresses. Returns a promise if the caller has to wait until they are open; undefined if they are open already. */
export type OpenEgress = (openings: readonly EgressOpening[]) => Promise<void> | undefined;

export interface AnswerAddresses {
  /** The queried name and its aliases. */
  readonly names: readonly string[];
  readonly addresses: readonly AnswerAddress[];
}

export interface AnswerAddress {
  readonly address: Address;
  /** The TTL. */
  readonly seconds: number;
  readonly ttlOffset: number;
}

/** Lists the addresses that an answer opens, by network. */
export function egressOpeningsFor(
  { egressNetworks }: Zone,
  { names, addresses }: AnswerAddresses,
): readonly EgressOpening[] {
  const [name = ''] = names;
  const allowing = egressNetworks.filter(({ egress }) => {
    if (egress === undefined || names.some((each) => isDenied(egress, each))) return false;
    return entriesNamed(egress, name).length > 0;
  });
  if (allowing.length === 0) return [];
  const found = addresses
    .filter(({ address }) => isOfTheWorld(address))
    .map(({ address, seconds }) => ({
      address,
      seconds: Math.min(Math.max(seconds, openSeconds.min), openSeconds.max) + openSeconds.grace,
    }));
  return found.length === 0 ? [] : allowing.map((exit) => ({ exit, name, addresses: found }));
}

/** Does every network of the container deny a name of this answer? */
export function isDeniedAnswer({ egressNetworks }: Zone, { names }: AnswerAddresses): boolean {
  return (
    egressNetworks.length > 0 &&
    egressNetworks.every(({ egress }) => egress !== undefined && names.some((name) => isDenied(egress, name)))
  );
}

/** Returns the answer with its TTLs cut to the time for which addresses stay open. */
export function capTtls(answer: Buffer, { addresses }: AnswerAddresses): Buffer {
  if (addresses.every(({ seconds }) => seconds <= openSeconds.max)) return answer;
  const copy = Buffer.from(answer);
  for (const { ttlOffset, seconds } of addresses) copy.writeUInt32BE(Math.min(seconds, openSeconds.max), ttlOffset);
  return copy;
}

/** Reads the addresses of an answer. @param end offset behind the message's question */
export function readAnswerAddresses(message: Buffer, question: Question, end: number): AnswerAddresses {
  const records = question.class === classIn ? (locateRecords(message, end) ?? []) : [];
  const answers = records.filter(({ section }) => section === 'answer');
  const ownerOf = ownerReader(message);
  const names = followAliases(question.name, message, aliasesIn(answers, ownerOf));
  const addresses = answers
    .filter((record) => isAddress(message, record) && ownerOf(record) === names.at(-1))
    .slice(0, limits.addresses)
    .map((record) => addressIn(message, record));
  return { names, addresses };
}

type OwnerOf = (record: RecordLocation) => string | undefined;

/** Reads the owner of a record, each spelling once; undefined for an invalid name and beyond the limit. */
function ownerReader(message: Buffer): OwnerOf {
  const owners = new Map<string, string | undefined>();
  return ({ start, ttlOffset }) => {
    const spelling = message.toString('latin1', start, ttlOffset - 4);
    if (!owners.has(spelling) && owners.size < limits.owners) owners.set(spelling, nameAt(message, start));
    return owners.get(spelling);
  };
}

/** Lists the aliases by owner; the first alias of a name counts. */
function aliasesIn(answers: readonly RecordLocation[], ownerOf: OwnerOf): ReadonlyMap<string, RecordLocation> {
  const aliases = new Map<string, RecordLocation>();
  for (const record of answers) {
    const owner = record.type === recordType.CNAME ? ownerOf(record) : undefined;
    if (owner !== undefined && !aliases.has(owner)) aliases.set(owner, record);
  }
  return aliases;
}

function followAliases(
  first: string,
  message: Buffer,
  aliases: ReadonlyMap<string, RecordLocation>,
): readonly string[] {
  const names = [first];
  for (let alias = aliases.get(first); alias !== undefined && names.length < limits.names; ) {
    const name = nameAt(message, alias.dataOffset);
    if (name === undefined || names.includes(name)) break;
    names.push(name);
    alias = aliases.get(name);
  }
  return names;
}

function isAddress(message: Buffer, { type, dataOffset, end, ttlOffset }: RecordLocation): boolean {
  const size = type === recordType.A ? 4 : type === recordType.AAAA ? 16 : undefined;
  return end - dataOffset === size && message.readUInt16BE(ttlOffset - 2) === classIn;
}

function addressIn(message: Buffer, { dataOffset, end, ttlOffset }: RecordLocation): AnswerAddress {
  return {
    address: fromBytes(message.subarray(dataOffset, end)),
    seconds: readTtl(message, ttlOffset),
    ttlOffset,
  };
}

/** Reads a name with its pointers, each of which has to point further back; undefined for an invalid name. */
function nameAt(message: Buffer, start: number): string | undefined {
  const labels: string[] = [];
  let size = 0;
  let pointers = 0;
  for (let at = start, lowest = start; ; ) {
    const length = message[at];
    if (length === undefined || size > 255) return undefined;
    if (length === 0) return labels.join('.');
    if (length >= 0xc0) {
      if (at + 1 >= message.length || ++pointers > limits.pointers) return undefined;
      at = message.readUInt16BE(at) & 0x3fff;
      if (at >= lowest) return undefined;
      lowest = at;
      continue;
    }
    if (length > 63 || at + 1 + length > message.length) return undefined;
    labels.push(labelText(message.subarray(at + 1, at + 1 + length)));
    size += 1 + length;
    at += 1 + length;
  }
}
