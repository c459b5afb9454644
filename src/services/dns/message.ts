/**
 * A DNS message as bytes, read no further than a forwarder must.
 *
 *     0      2       4         6         8           10          12
 *     | id   | flags | questions answers authorities additionals | question | records …
 *
 * What is carried on to somebody else is never taken apart and put together again: records of types that nobody here
 * knows, and whatever an odd server wrote, arrive as they left. So this file finds its way through a message, and leaves
 * the meaning of records to those who asked. Every byte of a message is somebody else's: each function says what it does
 * with nonsense, and none throws.
 *
 * Why not dns-packet, which decodes a message whole: it can't tell a dot within a label from one between two labels, so
 * that one name could be taken for another, and it refuses a message for a record that it doesn't understand.
 *
 * @see RFC 1035 section 4, RFC 6891 (EDNS)
 */

/** Record types that mean something here; the others are carried by number. */
export const recordType = { A: 1, CNAME: 5, SOA: 6, PTR: 12, AAAA: 28, OPT: 41, ANY: 255 } as const;

export const responseCode = {
  noError: 0,
  formatError: 1,
  serverFailure: 2,
  nxDomain: 3,
  notImplemented: 4,
  refused: 5,
} as const;
export type ResponseCode = (typeof responseCode)[keyof typeof responseCode];

/** Bits of the second word. */
export const flag = {
  response: 0x8000,
  opcode: 0x7800,
  truncated: 0x0200,
  recursionDesired: 0x0100,
  recursionAvailable: 0x0080,
  authenticData: 0x0020,
  checkingDisabled: 0x0010,
  code: 0x000f,
} as const;

export const headerSize = 12;
/** The Internet's class of names. */
export const classIn = 1;
/** What a client without EDNS takes by UDP, and what fits into a datagram. */
const payloadSize = { plain: 512, most: 65_507 } as const;
/** A question is a name and some options. Those that wait are kept in memory, so there is a limit to what one may weigh. */
const largestQuery = 4096;

export interface Question {
  /** In lower case, without the last dot. A dot within a label is `\.`, so that it can't be taken for one between two. */
  readonly name: string;
  readonly type: number;
  readonly class: number;
}

/** What a client says of itself in an OPT record. */
export interface Edns {
  readonly payloadSize: number;
  /** The extended code, the version and the flags, DO above all, as they stand where others have their TTL. */
  readonly extendedFlags: number;
}

export interface Query {
  readonly id: number;
  readonly flags: number;
  readonly question: Question;
  /** Where the question ends. */
  readonly end: number;
  readonly edns: Edns | undefined;
  /** There is nothing else in it: no options (a cookie, a subnet), no signature, no other record. */
  readonly isPlain: boolean;
}

/** Where one record stands in a message. */
export interface RecordLocation {
  readonly section: 'answer' | 'authority' | 'additional';
  readonly start: number;
  readonly type: number;
  /** Of the TTL's four bytes. */
  readonly ttlOffset: number;
  readonly dataOffset: number;
  readonly end: number;
}

/**
 * Reads a client's message.
 *
 * @returns a code where it can't be answered otherwise; undefined where it is not even a question, and deserves nothing
 */
export function readQuery(message: Buffer): Query | ResponseCode | undefined {
  if (message.length < headerSize) return undefined;
  const flags = message.readUInt16BE(2);
  if ((flags & flag.response) !== 0) return undefined;
  if ((flags & flag.opcode) !== 0) return responseCode.notImplemented;
  const asked = message.length > largestQuery ? undefined : readQuestion(message);
  if (asked === undefined) return responseCode.formatError;
  const said = readAdditions(message, asked.end);
  if (said === undefined) return responseCode.formatError;
  return { id: message.readUInt16BE(0), flags, ...asked, ...said };
}

/** The one question of a message, and where it ends; undefined where there is none, several, or half of one. */
export function readQuestion(message: Buffer): { readonly question: Question; readonly end: number } | undefined {
  if (message.length < headerSize || message.readUInt16BE(4) !== 1) return undefined;
  const end = skipName(message, headerSize);
  if (end === undefined || end + 4 > message.length) return undefined;
  const name = readName(message, headerSize, end);
  if (name === undefined) return undefined;
  return {
    question: { name, type: message.readUInt16BE(end), class: message.readUInt16BE(end + 2) },
    end: end + 4,
  };
}

/**
 * Where the records of a message stand.
 *
 * @param from where its question ends
 * @returns undefined where the message ends before they do
 */
export function locateRecords(message: Buffer, from: number): readonly RecordLocation[] | undefined {
  const sections = ['answer', 'authority', 'additional'] as const;
  const places: RecordLocation[] = [];
  let start = from;
  for (const [index, section] of sections.entries()) {
    for (let count = message.readUInt16BE(6 + 2 * index); count > 0; count--) {
      const name = skipName(message, start);
      if (name === undefined || name + 10 > message.length) return undefined;
      const data = name + 10;
      const end = data + message.readUInt16BE(name + 8);
      if (end > message.length) return undefined;
      places.push({ section, start, type: message.readUInt16BE(name), ttlOffset: name + 4, dataOffset: data, end });
      start = end;
    }
  }
  return places;
}

/** How long an answer by UDP may be: RFC 6891 6.2.5. */
export function udpPayloadLimit({ edns }: Query): number {
  return Math.min(Math.max(edns?.payloadSize ?? 0, payloadSize.plain), payloadSize.most);
}

/**
 * The place behind a name, which ends with an empty label or with a pointer to another place; it may be the place behind
 * the message. Undefined where the name doesn't end, or is longer than 255 bytes.
 */
function skipName(message: Buffer, start: number): number | undefined {
  let at = start;
  while (at < message.length && at - start < 255) {
    const length = message[at] ?? 0;
    if (length === 0) return at + 1;
    if (length >= 0xc0) return at + 2;
    // The two other kinds of label were never used.
    if (length > 63) return undefined;
    at += 1 + length;
  }
  return undefined;
}

/** A name of plain labels; undefined where it has a pointer, which in a question has nothing before it to point to. */
function readName(message: Buffer, start: number, end: number): string | undefined {
  let name = '';
  for (let at = start; at < end - 1; ) {
    const length = message[at] ?? 0;
    if (length > 63) return undefined;
    if (at > start) name += '.';
    name += labelText(message.subarray(at + 1, at + 1 + length));
    at += 1 + length;
  }
  return name;
}

/** A label in lower case; a dot in it is `\.`. */
export function labelText(label: Uint8Array): string {
  let text = '';
  for (const each of label) {
    const byte = lowerCase(each);
    text += byte === 0x2e || byte === 0x5c ? `\\${String.fromCharCode(byte)}` : String.fromCharCode(byte);
  }
  return text;
}

/** Case means nothing in the letters of ASCII, and only there. */
export function lowerCase(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}

/** What stands behind a query's question; undefined where it is malformed. */
function readAdditions(message: Buffer, from: number): Pick<Query, 'edns' | 'isPlain'> | undefined {
  // Most clients say nothing of themselves.
  if (message.length === from && message.readUInt32BE(6) === 0 && message.readUInt16BE(10) === 0)
    return { edns: undefined, isPlain: true };
  const records = locateRecords(message, from);
  if (records === undefined) return undefined;
  const options = records.filter(({ section, type }) => section === 'additional' && type === recordType.OPT);
  const [option] = options;
  if (option === undefined) return { edns: undefined, isPlain: false };
  // Its name is the root's, and there is one: RFC 6891 6.1.1.
  if (options.length > 1 || message[option.start] !== 0) return undefined;
  const edns = {
    payloadSize: message.readUInt16BE(option.ttlOffset - 2),
    extendedFlags: message.readUInt32BE(option.ttlOffset),
  };
  return { edns, isPlain: records.length === 1 && option.end === option.dataOffset && option.end === message.length };
}
