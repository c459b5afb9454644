/**
 * Which addresses an answer tells of a name: those at the end of the way from one name to another (CNAME).
 *
 * An answer may hold anything: records of names that nobody asked for, a way that comes back to where it was, a thousand
 * addresses. What is not on the way is not looked at, and there is a limit to the way and to what is at its end.
 *
 * Every reply is looked at, and thousands of records fit into one, each with a pointer to a name of 126 labels. So a name that
 * owns many is read once, and of many names the first few: an honest answer has no owners but those on the way.
 *
 * @see RFC 1034 section 3.6.2
 */
import { type Address, fromBytes } from '../../values/address.ts';
import { classIn, labelText, locateRecords, type Question, type RecordLocation, recordType } from './message.ts';

/** As many pointers as a name can have labels, one behind each; twice the names, which may stand there whole and as pointers. */
const limits = { names: 16, owners: 32, addresses: 64, pointers: 127 } as const;

type OwnerOf = (place: RecordLocation) => string | undefined;

export interface AnswerAddresses {
  /** The one that was asked for, and those that it led to. */
  readonly names: readonly string[];
  readonly addresses: readonly AnswerAddress[];
}

export interface AnswerAddress {
  readonly address: Address;
  /** How long it may be believed, and where that stands in the message. */
  readonly seconds: number;
  readonly ttlOffset: number;
}

/** @param end where the message's question ends */
export function readAnswerAddresses(message: Buffer, question: Question, end: number): AnswerAddresses {
  const records = question.class === classIn ? (locateRecords(message, end) ?? []) : [];
  const answers = records.filter(({ section }) => section === 'answer');
  const ownerOf = ownerReader(message);
  const names = followAliases(question.name, message, aliasesIn(answers, ownerOf));
  const addresses = answers
    .filter((place) => isAddress(message, place) && ownerOf(place) === names.at(-1))
    .slice(0, limits.addresses)
    .map((place) => addressIn(message, place));
  return { names, addresses };
}

/** Reads who owns a record, each spelling once; undefined where that is no name, or one too many. */
function ownerReader(message: Buffer): OwnerOf {
  const owners = new Map<string, string | undefined>();
  return ({ start, ttlOffset: ttl }) => {
    const spelling = message.toString('latin1', start, ttl - 4);
    if (!owners.has(spelling) && owners.size < limits.owners) owners.set(spelling, nameAt(message, start));
    return owners.get(spelling);
  };
}

/** Of several aliases of one name the first counts. */
function aliasesIn(answers: readonly RecordLocation[], ownerOf: OwnerOf): ReadonlyMap<string, RecordLocation> {
  const aliases = new Map<string, RecordLocation>();
  for (const place of answers) {
    const owner = place.type === recordType.CNAME ? ownerOf(place) : undefined;
    if (owner !== undefined && !aliases.has(owner)) aliases.set(owner, place);
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

function isAddress(message: Buffer, { type, dataOffset: data, end, ttlOffset: ttl }: RecordLocation): boolean {
  const size = type === recordType.A ? 4 : type === recordType.AAAA ? 16 : undefined;
  return end - data === size && message.readUInt16BE(ttl - 2) === classIn;
}

function addressIn(message: Buffer, { dataOffset: data, end, ttlOffset: ttl }: RecordLocation): AnswerAddress {
  const seconds = message.readUInt32BE(ttl);
  // RFC 2181 section 8.
  return {
    address: fromBytes(message.subarray(data, end)),
    seconds: seconds > 0x7fffffff ? 0 : seconds,
    ttlOffset: ttl,
  };
}

/**
 * A name as it is written for questions, in lower case, its pointers followed, each of which has to point further back;
 * undefined where it is none.
 */
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
