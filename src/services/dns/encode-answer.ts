/** Answers as bytes: those that are made here, and those of others as one client can take them. */
import {
  flag,
  headerSize,
  locateRecords,
  type Query,
  type RecordLocation,
  type ResponseCode,
  readQuestion,
  recordType,
  udpPayloadLimit,
} from './message.ts';

/** A record's type and its data, ready to be written. Its name is always the one that was asked for. */
export interface RecordData {
  readonly type: number;
  readonly data: Uint8Array;
}

/**
 * How long a client may believe an answer of ours.
 *
 * Docker says ten minutes. A container has another address when it is started again, and those who remember the old one
 * (nscd, the JVM, a forwarder within the container) would for so long speak to whoever has that address next. To ask
 * again costs less than a tenth of a millisecond.
 */
const localTtlSeconds = 5;

/** The bytes of a record whose name is a pointer to the question's. */
const recordOverhead = 12;
/** An OPT record without options. */
const optionSize = 11;
/** What we take by UDP ourselves: said to clients that said theirs. */
const ownPayloadSize = 4096;
const largestMessage = 65_535;

/** An answer of our own: as many of the records as the client takes, and whether that was all. */
export function encodeAnswer(
  message: Buffer,
  query: Query,
  answer: { readonly code: ResponseCode; readonly records?: readonly RecordData[]; readonly limit?: number },
): Buffer {
  const { code, records = [], limit = udpPayloadLimit(query) } = answer;
  const room = limit - query.end - (query.edns === undefined ? 0 : optionSize);
  const fitting = withinRoom(records, room);
  const answers = fitting.reduce((sum, { data }) => sum + recordOverhead + data.length, 0);
  const reply = Buffer.alloc(query.end + answers + (query.edns === undefined ? 0 : optionSize));
  message.copy(reply, 0, 0, query.end);
  const truncated = fitting.length < records.length ? flag.truncated : 0;
  reply.writeUInt16BE(replyFlags(query.flags, code) | truncated, 2);
  reply.writeUInt16BE(1, 4);
  reply.writeUInt16BE(fitting.length, 6);
  reply.writeUInt16BE(0, 8);
  reply.writeUInt16BE(query.edns === undefined ? 0 : 1, 10);
  let at = query.end;
  for (const record of fitting) at = writeRecord(reply, at, record);
  if (query.edns !== undefined) {
    reply.writeUInt16BE(recordType.OPT, at + 1);
    reply.writeUInt16BE(ownPayloadSize, at + 3);
  }
  return reply;
}

/** An answer to what could not be read: the header, and why. */
export function encodeError(message: Buffer, code: ResponseCode): Buffer {
  const reply = Buffer.alloc(headerSize);
  message.copy(reply, 0, 0, 2);
  reply.writeUInt16BE(replyFlags(message.readUInt16BE(2), code), 2);
  return reply;
}

/**
 * Another server's answer for one client: with the id and the very letters of its question, and cut where the client
 * takes no more. Cut are whole records from the end; what is left of the answers may be all that a client which can't
 * ask by TCP ever sees.
 */
export function adaptAnswer(
  answer: Buffer,
  message: Buffer,
  query: Query,
  limit: number = udpPayloadLimit(query),
): Buffer {
  const whole = answer.length <= limit ? Buffer.from(answer) : cut(answer, limit);
  whole.writeUInt16BE(query.id, 0);
  message.copy(whole, headerSize, headerSize, Math.min(query.end, whole.length));
  return whole;
}

function cut(answer: Buffer, limit: number): Buffer {
  const end = readQuestion(answer)?.end ?? headerSize;
  const records = locateRecords(answer, end) ?? [];
  const option = records.find(({ section, type }) => section === 'additional' && type === recordType.OPT);
  const tail = option === undefined ? Buffer.alloc(0) : optionWithin(answer, option, limit - end);
  const kept = records.filter((place) => place.section === 'answer' && place.end + tail.length <= limit);
  const reply = Buffer.concat([answer.subarray(0, kept.at(-1)?.end ?? end), tail]);
  reply.writeUInt16BE(reply.readUInt16BE(2) | flag.truncated, 2);
  for (const [at, count] of [kept.length, 0, option === undefined ? 0 : 1].entries())
    reply.writeUInt16BE(count, 6 + 2 * at);
  return reply;
}

/** An OPT record: what it says of its server, and its options if there is room for them. */
function optionWithin(answer: Buffer, { start, ttlOffset: ttl, end }: RecordLocation, room: number): Buffer {
  if (end - start <= room) return answer.subarray(start, end);
  const bare = Buffer.alloc(optionSize);
  answer.copy(bare, 1, ttl - 4, ttl + 4);
  return bare;
}

function withinRoom(records: readonly RecordData[], room: number): readonly RecordData[] {
  let left = Math.min(room, largestMessage);
  const first = records.findIndex(({ data }) => {
    left -= recordOverhead + data.length;
    return left < 0;
  });
  return first === -1 ? records : records.slice(0, first);
}

function replyFlags(asked: number, code: ResponseCode): number {
  const kept = flag.opcode | flag.recursionDesired | flag.checkingDisabled;
  return flag.response | flag.recursionAvailable | (asked & kept) | code;
}

function writeRecord(reply: Buffer, at: number, { type, data }: RecordData): number {
  reply.writeUInt16BE(0xc000 | headerSize, at);
  reply.writeUInt16BE(type, at + 2);
  reply.writeUInt16BE(1, at + 4);
  reply.writeUInt32BE(localTtlSeconds, at + 6);
  reply.writeUInt16BE(data.length, at + 10);
  reply.set(data, at + recordOverhead);
  return at + recordOverhead + data.length;
}
