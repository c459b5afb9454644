/**
 * How long an answer may be remembered.
 *
 * A positive one as long as its shortest-lived record. One that says no ("no such name", or "none of this type") as long
 * as the SOA record in it says, and not at all without one. Everything else not at all.
 *
 * @see RFC 2308 section 5, RFC 2181 section 8
 */
import { flag, locateRecords, type Question, type RecordLocation, recordType, responseCode } from './message.ts';

/** Longer than this nothing is remembered: what changed outside shows after an hour, a name that was missing sooner. */
const limitSeconds = { positive: 3600, negative: 300 } as const;

export interface CacheLifetime {
  /** 0: not to be remembered. */
  readonly seconds: number;
  /** It is a "no" that is to be remembered. */
  readonly isNegative: boolean;
  /** Where the TTLs of the message stand. */
  readonly ttlOffsets: readonly number[];
}

const none: CacheLifetime = { seconds: 0, isNegative: false, ttlOffsets: [] };

/** @param end where the message's question ends */
export function cacheLifetimeOf(message: Buffer, question: Question, end: number): CacheLifetime {
  const flags = message.readUInt16BE(2);
  const code = flags & flag.code;
  if ((flags & flag.truncated) !== 0 || (code !== responseCode.noError && code !== responseCode.nxDomain)) return none;
  const all = locateRecords(message, end);
  if (all === undefined) return none;
  const records = all.filter(({ type }) => type !== recordType.OPT);
  const ttls = records.map(({ ttlOffset: ttl }) => ttl);
  const seconds = ttls.map((at) => readTtl(message, at));
  if (!isNegative(records, question, code))
    return { seconds: Math.min(limitSeconds.positive, ...seconds), isNegative: false, ttlOffsets: ttls };
  const authority = records.find(({ section, type }) => section === 'authority' && type === recordType.SOA);
  if (authority === undefined || authority.end - authority.dataOffset < 20) return none;
  // SOA ends with five numbers; the last one is how long a "no" holds.
  const least = Math.min(limitSeconds.negative, readTtl(message, authority.end - 4), ...seconds);
  return { seconds: least, isNegative: true, ttlOffsets: ttls };
}

/** @returns undefined where an answer that is `age` seconds old must not be given any more */
export function withReducedTtls(
  message: Buffer,
  { seconds, ttlOffsets: ttls }: CacheLifetime,
  age: number,
): Buffer | undefined {
  if (age >= seconds) return undefined;
  const copy = Buffer.from(message);
  for (const at of ttls) copy.writeUInt32BE(Math.max(readTtl(copy, at) - age, 0), at);
  return copy;
}

function isNegative(records: readonly RecordLocation[], question: Question, code: number): boolean {
  if (code === responseCode.nxDomain) return true;
  const { type } = question;
  return !records.some((place) => place.section === 'answer' && (place.type === type || type === recordType.ANY));
}

/** A TTL whose highest bit is set counts as zero: RFC 2181 section 8. */
function readTtl(message: Buffer, at: number): number {
  const seconds = message.readUInt32BE(at);
  return seconds > 0x7fffffff ? 0 : seconds;
}
