/**
 * Which addresses an answer tells of a name: those at the end of the way from one name to another (CNAME).
 *
 * An answer may hold anything: records of names that nobody asked for, a way that comes back to where it was, a thousand
 * addresses. What is not on the way is not looked at, and there is a limit to the way and to what is at its end.
 *
 * @see RFC 1034 section 3.6.2
 */
import { type Address, fromBytes } from '../../values/address.ts';
import { internet, labelText, type Question, type RecordPlace, readRecords, recordType } from './message.ts';

/** As many pointers as a name can have labels, one behind each. */
const limits = { names: 16, addresses: 64, pointers: 127 } as const;

export interface Told {
  /** The one that was asked for, and those that it led to. */
  readonly names: readonly string[];
  readonly addresses: readonly ToldAddress[];
}

export interface ToldAddress {
  readonly address: Address;
  /** How long it may be believed, and where that stands in the message. */
  readonly seconds: number;
  readonly ttl: number;
}

/** @param end where the message's question ends */
export function toldAddresses(message: Buffer, question: Question, end: number): Told {
  const records = question.class === internet ? (readRecords(message, end) ?? []) : [];
  const answers = records
    .filter(({ section }) => section === 'answer')
    .map((place) => ({ place, owner: nameAt(message, place.start) }));
  const names = [question.name];
  for (let name: string | undefined = question.name; name !== undefined && names.length < limits.names; ) {
    const alias = answers.find(({ place, owner }) => place.type === recordType.CNAME && owner === name);
    name = alias === undefined ? undefined : nameAt(message, alias.place.data);
    if (name === undefined || names.includes(name)) break;
    names.push(name);
  }
  const addresses = answers
    .filter(({ owner }) => owner === names.at(-1))
    .flatMap(({ place }) => addressIn(message, place))
    .slice(0, limits.addresses);
  return { names, addresses };
}

function addressIn(message: Buffer, { type, data, end, ttl }: RecordPlace): readonly ToldAddress[] {
  const size = type === recordType.A ? 4 : type === recordType.AAAA ? 16 : undefined;
  if (end - data !== size || message.readUInt16BE(ttl - 2) !== internet) return [];
  const seconds = message.readUInt32BE(ttl);
  // RFC 2181 section 8.
  return [{ address: fromBytes(message.subarray(data, end)), seconds: seconds > 0x7fffffff ? 0 : seconds, ttl }];
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
