/**
 * Forwards the queries of one container to upstream servers: answers from the cache, joins equal pending queries, or sends.
 *
 * Queries are equal if they have the same name (without case), type, class, flags, DO bit, and both or neither have an OPT
 * record. A query with EDNS options (cookie, client subnet) is never shared, and its answer is not cached.
 *
 * Limits: four queries for the same name and type are on their way, because a forged answer has to match the port and id of one
 * of them; further queries wait. Beyond 1,024 waiting clients the reply is REFUSED at once.
 */
import { type AnswerCache, cacheLifetimeOf } from './cache.ts';
import { flag, type Query, readQuestion } from './message.ts';
import { type Answer, type FanoutOptions, QueryFanout } from './query-fanout.ts';
import type { Protocol, UpstreamServer } from './upstream.ts';

/** `closed`: this forwarder was closed; the caller asks its successor. */
export type ForwardAnswer = Buffer | 'refused' | 'serverFailure' | 'closed';
type OnAnswer = (answer: ForwardAnswer) => void;

export interface ForwarderOptions extends FanoutOptions {
  readonly cache: AnswerCache;
}

/** A query that is on its way or waits, and the clients that wait for its answer. */
interface PendingQuery {
  readonly id: string;
  /** Undefined: the answer is not cached. */
  readonly cacheKey: string | undefined;
  /** Name and type, of which few queries are sent at once. */
  readonly subject: string;
  readonly message: Buffer;
  readonly protocol: Protocol;
  readonly clients: OnAnswer[];
  fanout?: QueryFanout;
}

const pendingLimit = 1024;
const sameSubjectLimit = 4;

export class Forwarder {
  readonly #pending = new Map<string, PendingQuery>();
  /** In order of arrival. */
  readonly #bySubject = new Map<string, PendingQuery[]>();
  #pendingCount = 0;
  #unsharedCount = 0;

  constructor(
    readonly servers: readonly UpstreamServer[],
    readonly options: ForwarderOptions,
  ) {}

  /** Client queries that wait for an answer. */
  get pendingCount(): number {
    return this.#pendingCount;
  }

  /**
   * @param message the client's; the forwarder keeps it
   * @param onAnswer called once; the answer has another id and may be shared
   */
  forward(message: Buffer, query: Query, protocol: Protocol, onAnswer: OnAnswer): void {
    const cacheKey = cacheKeyOf(query);
    const cached = cacheKey === undefined ? undefined : this.options.cache.get(cacheKey);
    if (cached !== undefined) {
      onAnswer(cached);
      return;
    }
    if (this.#pendingCount >= pendingLimit) {
      onAnswer('refused');
      return;
    }
    this.#pendingCount++;
    const id = cacheKey === undefined ? `#${this.#unsharedCount++}` : `${protocol} ${cacheKey}`;
    const equal = this.#pending.get(id);
    if (equal !== undefined) equal.clients.push(onAnswer);
    else this.#enqueue({ id, cacheKey, subject: subjectOf(query), message, protocol, clients: [onAnswer] });
  }

  close(): void {
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    this.#bySubject.clear();
    this.#pendingCount = 0;
    for (const { fanout } of pending) fanout?.cancel();
    for (const { clients } of pending) for (const onAnswer of clients) onAnswer('closed');
  }

  #enqueue(pending: PendingQuery): void {
    this.#pending.set(pending.id, pending);
    const sameSubject = this.#bySubject.get(pending.subject) ?? [];
    this.#bySubject.set(pending.subject, sameSubject);
    if (sameSubject.push(pending) <= sameSubjectLimit) this.#send(pending);
  }

  #send(pending: PendingQuery): void {
    pending.fanout = new QueryFanout(pending.message, pending.protocol, this.servers, this.options, (answer) =>
      this.#answered(pending, answer),
    );
  }

  #answered(pending: PendingQuery, answer: Answer | undefined): void {
    const { id, cacheKey, clients } = pending;
    this.#pending.delete(id);
    this.#pendingCount -= clients.length;
    if (cacheKey !== undefined && answer !== undefined) this.#store(cacheKey, answer);
    this.#dequeue(pending, answer !== undefined);
    for (const onAnswer of clients) onAnswer(answer?.message ?? 'serverFailure');
  }

  /** Sends the next query of the same subject. Without an answer the next query fails, too, instead of waiting in turn. */
  #dequeue(ended: PendingQuery, isAnswered: boolean): void {
    const sameSubject = this.#bySubject.get(ended.subject) ?? [];
    sameSubject.splice(sameSubject.indexOf(ended), 1);
    if (sameSubject.length === 0) this.#bySubject.delete(ended.subject);
    const next = sameSubject[sameSubjectLimit - 1];
    if (next === undefined) return;
    if (isAnswered) this.#send(next);
    else this.#answered(next, undefined);
  }

  #store(cacheKey: string, { message, server }: Answer): void {
    const asked = readQuestion(message);
    if (asked === undefined) return;
    const lifetime = cacheLifetimeOf(message, asked.question, asked.end);
    // A later server may not know internal names.
    if (!lifetime.isNegative || server === this.servers[0]) this.options.cache.put(cacheKey, message, lifetime);
  }
}

/** The DO bit (DNSSEC records wanted): the only EDNS flag that changes an answer. */
const dnssecOk = 0x8000;

/** Returns what equal queries have in common; undefined for a query that is never shared. */
function cacheKeyOf({ question, flags, edns, isPlain }: Query): string | undefined {
  if (!isPlain || ((edns?.extendedFlags ?? 0) & ~dnssecOk) !== 0) return undefined;
  const relevantFlags = flags & (flag.recursionDesired | flag.authenticData | flag.checkingDisabled);
  return `${question.type} ${question.class} ${relevantFlags} ${edns?.extendedFlags ?? '-'} ${question.name}`;
}

function subjectOf({ question }: Query): string {
  return `${question.type} ${question.class} ${question.name}`;
}
