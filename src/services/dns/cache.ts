/**
 * Answers of the world, remembered for one container.
 *
 * Not shared between containers: a container with CAP_NET_ADMIN can forge every packet in its own namespace, and what it
 * makes its own cache believe is its own loss.
 *
 * Two bounds, entries and bytes; what was not asked for longest makes room. Nothing expires by a clock: an answer that is
 * too old is forgotten when it is found, or makes room in its turn.
 */
import { type CacheLifetime, withReducedTtls } from './ttl.ts';

export interface CacheOptions {
  /** The time in milliseconds, from any origin. */
  readonly now: () => number;
  /** Default 1,000. */
  readonly entryLimit?: number;
  /** Default 256 KiB, what an entry costs beside its message included. */
  readonly byteLimit?: number;
}

interface Entry {
  readonly message: Buffer;
  readonly lifetime: CacheLifetime;
  readonly storedAt: number;
  readonly bytes: number;
}

/** An entry's place in the map, its objects, and its list of TTLs; estimated. */
const entryOverhead = 300;

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

  /** A copy of the answer, its TTLs as much smaller as it is older. */
  get(key: string): Buffer | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    // Rounded up: an answer is never believed longer than its server allowed.
    const age = Math.ceil((this.#options.now() - entry.storedAt) / 1000);
    const message = withReducedTtls(entry.message, entry.lifetime, age);
    this.#forget(key);
    if (message !== undefined) this.#remember(key, entry);
    return message;
  }

  put(key: string, message: Buffer, lifetime: CacheLifetime): void {
    const bytes = message.length + 2 * key.length + 8 * lifetime.ttlOffsets.length + entryOverhead;
    if (lifetime.seconds <= 0 || bytes > this.#options.byteLimit) return;
    this.#forget(key);
    // A copy of its own size: a slice would keep alive all that it was cut from.
    const kept = Buffer.from(new Uint8Array(message).buffer);
    this.#remember(key, { message: kept, lifetime, storedAt: this.#options.now(), bytes });
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#options.entryLimit && this.#bytes <= this.#options.byteLimit) break;
      this.#forget(oldest);
    }
  }

  #remember(key: string, entry: Entry): void {
    this.#entries.set(key, entry);
    this.#bytes += entry.bytes;
  }

  #forget(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
  }
}
