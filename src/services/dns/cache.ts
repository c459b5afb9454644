/**
 * Caches of one container's name server: answers of upstream servers by TTL, and gangway's own answers.
 *
 * Containers share no cache. A container with CAP_NET_ADMIN can forge packets in its own network namespace, and poisons only
 * its own cache.
 *
 * A positive answer stays for the smallest TTL of its records. A negative answer (NXDOMAIN or no data) stays as long as its SOA
 * record allows, and is not cached without an SOA record. Failures and truncated answers are not cached.
 *
 * @see RFC 2308 section 5, RFC 2181 section 8
 */
import {
  flag,
  locateRecords,
  type Question,
  type RecordLocation,
  readTtl,
  recordType,
  responseCode,
} from './message.ts';

const maxTtlSeconds = { positive: 3600, negative: 300 } as const;

export interface CacheLifetime {
  /** 0: not cacheable. */
  readonly seconds: number;
  /** Is it a cacheable negative answer? */
  readonly isNegative: boolean;
  readonly ttlOffsets: readonly number[];
}

const notCacheable: CacheLifetime = { seconds: 0, isNegative: false, ttlOffsets: [] };

/** Returns how long an answer may be cached. @param end offset behind the message's question */
export function cacheLifetimeOf(message: Buffer, question: Question, end: number): CacheLifetime {
  const flags = message.readUInt16BE(2);
  const code = flags & flag.code;
  if ((flags & flag.truncated) !== 0) return notCacheable;
  if (code !== responseCode.noError && code !== responseCode.nxDomain) return notCacheable;
  const all = locateRecords(message, end);
  if (all === undefined) return notCacheable;
  const records = all.filter(({ type }) => type !== recordType.OPT);
  const ttlOffsets = records.map(({ ttlOffset }) => ttlOffset);
  const ttls = ttlOffsets.map((at) => readTtl(message, at));
  if (!isNegative(records, question, code))
    return { seconds: Math.min(maxTtlSeconds.positive, ...ttls), isNegative: false, ttlOffsets };
  const soa = records.find(({ section, type }) => section === 'authority' && type === recordType.SOA);
  if (soa === undefined || soa.end - soa.dataOffset < 20) return notCacheable;
  // The last of the SOA record's five numbers is the TTL of negative answers.
  const seconds = Math.min(maxTtlSeconds.negative, readTtl(message, soa.end - 4), ...ttls);
  return { seconds, isNegative: true, ttlOffsets };
}

/** Copies an answer with its TTLs reduced by its age in seconds; undefined for an expired answer. */
export function withReducedTtls(
  message: Buffer,
  { seconds, ttlOffsets }: CacheLifetime,
  age: number,
): Buffer | undefined {
  if (age >= seconds) return undefined;
  const copy = Buffer.from(message);
  for (const at of ttlOffsets) copy.writeUInt32BE(Math.max(readTtl(copy, at) - age, 0), at);
  return copy;
}

function isNegative(records: readonly RecordLocation[], question: Question, code: number): boolean {
  if (code === responseCode.nxDomain) return true;
  const { type } = question;
  return !records.some((record) => record.section === 'answer' && (record.type === type || type === recordType.ANY));
}

export interface CacheOptions {
  /** The time in milliseconds, from any origin. */
  readonly now: () => number;
  /** Default 1,000. */
  readonly entryLimit?: number;
  /** Memory of all entries with their overhead. Default 256 KiB. */
  readonly byteLimit?: number;
}

interface Entry {
  readonly message: Buffer;
  readonly lifetime: CacheLifetime;
  readonly storedAt: number;
  readonly bytes: number;
}

/** Estimate. */
const entryOverhead = 300;

/** Upstream answers of one container, least recently used first out. Expired entries are removed when they are found. */
export class AnswerCache {
  readonly #entries = new Map<string, Entry>();
  readonly #options: Required<CacheOptions>;
  #bytes = 0;

  constructor(options: CacheOptions) {
    this.#options = { entryLimit: 1000, byteLimit: 256 * 1024, ...options };
  }

  get entries(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Returns a copy of the answer, with its TTLs reduced by its age. */
  get(key: string): Buffer | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    const age = Math.ceil((this.#options.now() - entry.storedAt) / 1000);
    const message = withReducedTtls(entry.message, entry.lifetime, age);
    this.#delete(key);
    if (message !== undefined) this.#insert(key, entry);
    return message;
  }

  put(key: string, message: Buffer, lifetime: CacheLifetime): void {
    const bytes = message.length + 2 * key.length + 8 * lifetime.ttlOffsets.length + entryOverhead;
    if (lifetime.seconds <= 0 || bytes > this.#options.byteLimit) return;
    this.#delete(key);
    // Not a slice, which keeps its whole buffer in memory.
    const copy = Buffer.from(new Uint8Array(message).buffer);
    this.#insert(key, { message: copy, lifetime, storedAt: this.#options.now(), bytes });
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#options.entryLimit && this.#bytes <= this.#options.byteLimit) break;
      this.#delete(oldest);
    }
  }

  #insert(key: string, entry: Entry): void {
    this.#entries.set(key, entry);
    this.#bytes += entry.bytes;
  }

  #delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
  }
}

/** A header, the longest name, type and class, and an OPT record without options. */
const maxLocalQueryBytes = 12 + 255 + 4 + 11;

/**
 * Gangway's own answers by the bytes of the query behind its id. A repeated query needs no parsing.
 *
 * The caller stores only answers that do not change: not those with a random order of records, nor those to queries with EDNS
 * options.
 */
export class LocalAnswerCache {
  readonly #answers = new Map<string, Buffer>();

  constructor(readonly limit: number = 128) {}

  get size(): number {
    return this.#answers.size;
  }

  /** Returns a copy of the answer, with the query's id. */
  get(query: Buffer): Buffer | undefined {
    if (query.length > maxLocalQueryBytes) return undefined;
    const stored = this.#answers.get(keyOf(query));
    if (stored === undefined) return undefined;
    const answer = Buffer.from(stored);
    query.copy(answer, 0, 0, 2);
    return answer;
  }

  put(query: Buffer, answer: Buffer): void {
    for (const oldest of this.#answers.keys()) {
      if (this.#answers.size < this.limit) break;
      this.#answers.delete(oldest);
    }
    this.#answers.set(keyOf(query), answer);
  }

  clear(): void {
    this.#answers.clear();
  }
}

function keyOf(query: Buffer): string {
  return query.toString('latin1', 2);
}
