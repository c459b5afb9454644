/** Encodes gangway's own answers, and adapts upstream answers to one client. */
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

/** The encoded data of a record, which has the queried name. */
export interface RecordData {
  readonly type: number;
  readonly data: Uint8Array;
}

/**
 * TTL of gangway's own answers.
 *
 * Docker's TTL is 600 seconds. A restarted container gets another address, and a client with a cache (nscd, the JVM) keeps
 * connecting to the old address, which another container may have. Another query costs less than 0.1 ms.
 */
const localTtlSeconds = 5;

/** Bytes of a record besides its data, with a pointer to the question's name. */
const recordOverhead = 12;
/** Bytes of an OPT record without options. */
const optionSize = 11;
/** UDP payload size in the name server's own OPT record. */
const ownPayloadSize = 4096;
const largestMessage = 65_535;

/** Encodes gangway's own answer. Sets the truncated flag if not all records fit the client's limit. */
export function encodeAnswer(
  message: Buffer,
  query: Query,
  answer: { readonly code: ResponseCode; readonly records?: readonly RecordData[]; readonly limit?: number },
): Buffer {
  const { code, records = [], limit = udpPayloadLimit(query) } = answer;
  const room = limit - query.end - (query.edns === undefined ? 0 : optionSize);
  const fitting = fittingRecords(records, room);
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

/** Encodes a header with a response code, as the reply to a query that can't be parsed. */
export function encodeError(message: Buffer, code: ResponseCode): Buffer {
  const reply = Buffer.alloc(headerSize);
  message.copy(reply, 0, 0, 2);
  reply.writeUInt16BE(replyFlags(message.readUInt16BE(2), code), 2);
  return reply;
}

/**
 * Adapts an upstream answer to a client: its id, its spelling of the name, its size limit.
 *
 * Truncation removes whole records from the end. The remaining answers are all that a client without TCP receives.
 */
export function adaptAnswer(
  answer: Buffer,
  message: Buffer,
  query: Query,
  limit: number = udpPayloadLimit(query),
): Buffer {
  const reply = answer.length <= limit ? Buffer.from(answer) : truncate(answer, limit);
  reply.writeUInt16BE(query.id, 0);
  message.copy(reply, headerSize, headerSize, Math.min(query.end, reply.length));
  return reply;
}

function truncate(answer: Buffer, limit: number): Buffer {
  const end = readQuestion(answer)?.end ?? headerSize;
  const records = locateRecords(answer, end) ?? [];
  const option = records.find(({ section, type }) => section === 'additional' && type === recordType.OPT);
  const tail = option === undefined ? Buffer.alloc(0) : optionWithin(answer, option, limit - end);
  const kept = records.filter((record) => record.section === 'answer' && record.end + tail.length <= limit);
  const reply = Buffer.concat([answer.subarray(0, kept.at(-1)?.end ?? end), tail]);
  reply.writeUInt16BE(reply.readUInt16BE(2) | flag.truncated, 2);
  for (const [at, count] of [kept.length, 0, option === undefined ? 0 : 1].entries())
    reply.writeUInt16BE(count, 6 + 2 * at);
  return reply;
}

/** Returns an OPT record, without its options if they do not fit. */
function optionWithin(answer: Buffer, { start, ttlOffset: ttl, end }: RecordLocation, room: number): Buffer {
  if (end - start <= room) return answer.subarray(start, end);
  const bare = Buffer.alloc(optionSize);
  answer.copy(bare, 1, ttl - 4, ttl + 4);
  return bare;
}

function fittingRecords(records: readonly RecordData[], room: number): readonly RecordData[] {
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
