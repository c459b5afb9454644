/**
 * Parses DNS messages, only as far as a forwarder needs.
 *
 *     0      2       4         6         8           10          12
 *     | id   | flags | questions answers authorities additionals | question | records …
 *
 * Forwarded messages keep their bytes, records of unknown types included. No function throws for a malformed message.
 *
 * The package dns-packet is unsuitable: it confuses a dot inside a label with a dot between labels, and rejects a message for
 * one record that it does not know.
 *
 * @see RFC 1035 section 4, RFC 6891 (EDNS), RFC 7766 section 8 (TCP)
 */

/** Record types that the name server interprets. */
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
/** Class IN. */
export const classIn = 1;
/** UDP payload of clients without EDNS, and the largest payload of a datagram. */
const payloadSize = { plain: 512, max: 65_507 } as const;
/** Pending queries stay in memory, so their size is limited. */
const maxQueryBytes = 4096;

export interface Question {
  /** In lower case, without the last dot. A dot within a label is `\.`. */
  readonly name: string;
  readonly type: number;
  readonly class: number;
}

/** The client's OPT record. */
export interface Edns {
  readonly payloadSize: number;
  /** Extended response code, version and flags (DO): the record's TTL field. */
  readonly extendedFlags: number;
}

export interface Query {
  readonly id: number;
  readonly flags: number;
  readonly question: Question;
  /** Offset behind the question. */
  readonly end: number;
  readonly edns: Edns | undefined;
  /** Has no EDNS options (cookie, client subnet), no signature and no other records. */
  readonly isPlain: boolean;
}

/** Offsets of one record in a message. */
export interface RecordLocation {
  readonly section: 'answer' | 'authority' | 'additional';
  readonly start: number;
  readonly type: number;
  readonly ttlOffset: number;
  readonly dataOffset: number;
  readonly end: number;
}

/**
 * Reads a client's message.
 *
 * @returns the code of an error reply for an invalid query; undefined for a message that gets no reply
 */
export function readQuery(message: Buffer): Query | ResponseCode | undefined {
  if (message.length < headerSize) return undefined;
  const flags = message.readUInt16BE(2);
  if ((flags & flag.response) !== 0) return undefined;
  if ((flags & flag.opcode) !== 0) return responseCode.notImplemented;
  const asked = message.length > maxQueryBytes ? undefined : readQuestion(message);
  if (asked === undefined) return responseCode.formatError;
  const additions = readAdditions(message, asked.end);
  if (additions === undefined) return responseCode.formatError;
  return { id: message.readUInt16BE(0), flags, ...asked, ...additions };
}

/** Reads the question of a message and the offset behind it; undefined unless the message has exactly one complete question. */
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
 * Locates the records of a message.
 *
 * @param from offset behind the question
 * @returns undefined for a message that is shorter than its records
 */
export function locateRecords(message: Buffer, from: number): readonly RecordLocation[] | undefined {
  const sections = ['answer', 'authority', 'additional'] as const;
  const records: RecordLocation[] = [];
  let start = from;
  for (const [index, section] of sections.entries()) {
    for (let count = message.readUInt16BE(6 + 2 * index); count > 0; count--) {
      const name = skipName(message, start);
      if (name === undefined || name + 10 > message.length) return undefined;
      const dataOffset = name + 10;
      const end = dataOffset + message.readUInt16BE(name + 8);
      if (end > message.length) return undefined;
      records.push({ section, start, type: message.readUInt16BE(name), ttlOffset: name + 4, dataOffset, end });
      start = end;
    }
  }
  return records;
}

/** Reads a TTL in seconds; a TTL with its highest bit set counts as 0. @see RFC 2181 section 8 */
export function readTtl(message: Buffer, at: number): number {
  const seconds = message.readUInt32BE(at);
  return seconds > 0x7fffffff ? 0 : seconds;
}

/** Returns the maximum size of a UDP answer in bytes. @see RFC 6891 6.2.5 */
export function udpPayloadLimit({ edns }: Query): number {
  return Math.min(Math.max(edns?.payloadSize ?? 0, payloadSize.plain), payloadSize.max);
}

/**
 * Returns the offset behind a name, which ends with an empty label or a pointer. The offset may lie behind the message.
 *
 * @returns undefined for a name without an end or of more than 255 bytes
 */
function skipName(message: Buffer, start: number): number | undefined {
  let at = start;
  while (at < message.length && at - start < 255) {
    const length = message[at] ?? 0;
    if (length === 0) return at + 1;
    if (length >= 0xc0) return at + 2;
    if (length > 63) return undefined;
    at += 1 + length;
  }
  return undefined;
}

/** Reads the name of a question; undefined for a name with a pointer, which has no valid target there. */
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

/** Formats a label in lower case, with `\.` for a dot in it. */
export function labelText(label: Uint8Array): string {
  let text = '';
  for (const each of label) {
    const byte = lowerCase(each);
    text += byte === 0x2e || byte === 0x5c ? `\\${String.fromCharCode(byte)}` : String.fromCharCode(byte);
  }
  return text;
}

/** Converts an ASCII letter to lower case; DNS ignores the case of these letters only. */
export function lowerCase(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}

/** Reads the records behind a query's question; undefined if they are malformed. */
function readAdditions(message: Buffer, from: number): Pick<Query, 'edns' | 'isPlain'> | undefined {
  if (message.length === from && message.readUInt32BE(6) === 0 && message.readUInt16BE(10) === 0)
    return { edns: undefined, isPlain: true };
  const records = locateRecords(message, from);
  if (records === undefined) return undefined;
  const options = records.filter(({ section, type }) => section === 'additional' && type === recordType.OPT);
  const [option] = options;
  if (option === undefined) return { edns: undefined, isPlain: false };
  // RFC 6891 6.1.1: one OPT record, with the root's name.
  if (options.length > 1 || message[option.start] !== 0) return undefined;
  const { dataOffset, ttlOffset, end } = option;
  const edns = { payloadSize: message.readUInt16BE(ttlOffset - 2), extendedFlags: message.readUInt32BE(ttlOffset) };
  return { edns, isPlain: records.length === 1 && end === dataOffset && end === message.length };
}

/** Adds the two length bytes that precede a message over TCP. */
export function withLengthPrefix(message: Buffer): Buffer {
  const framed = Buffer.alloc(2 + message.length);
  framed.writeUInt16BE(message.length, 0);
  message.copy(framed, 2);
  return framed;
}

/** Reads messages from a TCP stream. Concatenates chunks once per message, so that many small chunks stay cheap. */
export class TcpMessageReader {
  #chunks: Buffer[] = [];
  #length = 0;
  #needed = 2;

  /** @returns the messages that are complete now */
  push(bytes: Buffer): readonly Buffer[] {
    this.#chunks.push(bytes);
    this.#length += bytes.length;
    if (this.#length < this.#needed) return [];
    const messages: Buffer[] = [];
    let rest = Buffer.concat(this.#chunks);
    while (rest.length >= neededFor(rest) && rest.length >= 2) {
      messages.push(rest.subarray(2, neededFor(rest)));
      rest = rest.subarray(neededFor(rest));
    }
    this.#chunks = [rest];
    this.#length = rest.length;
    this.#needed = neededFor(rest);
    return messages;
  }
}

function neededFor(bytes: Buffer): number {
  return bytes.length < 2 ? 2 : 2 + bytes.readUInt16BE(0);
}
