/**
 * Questions of one container to the world: answered from memory, joined to an equal question that is on its way, or
 * asked.
 *
 * Two questions are equal when their servers would see no difference: name (in any case), type, class, and the flags that
 * ask for something. Of EDNS that is the DO bit and whether there is an OPT record at all; a question with options in it (a
 * cookie, a client's subnet) is for its asker alone, and so is its answer.
 *
 * Of one name and type few questions are under way at once, whatever else they say; the others wait for their turn. Who forges
 * answers needs to meet the port and the id of any of them, and a container may ask for him as often as it likes.
 *
 * A "no" is remembered only if the first server of a person's order has said it: a later one, which is asked when that one
 * fails, may not know the names of the office.
 *
 * The number of askers is bounded, whether they wait for one answer or for many. Beyond it the answer is REFUSED, at once:
 * Docker lets them wait four seconds first.
 */
import type { AnswerCache } from './cache.ts';
import { flag, type Query, readQuestion } from './message.ts';
import { type Answer, type FanoutOptions, QueryFanout } from './query-fanout.ts';
import { cacheLifetimeOf } from './ttl.ts';
import type { UpstreamServer } from './upstream.ts';
import type { Protocol } from './upstream-query.ts';

/** `closed`: this forwarder was closed; its successor is to be asked. */
export type ForwardAnswer = Buffer | 'refused' | 'serverFailure' | 'closed';
type OnAnswer = (answer: ForwardAnswer) => void;

export interface ForwarderOptions extends FanoutOptions {
  readonly cache: AnswerCache;
  /** Default 1,024. */
  readonly pendingLimit?: number;
}

/** A question that is asked, or waits for its turn, and all who wait for its answer. */
interface PendingQuery {
  readonly name: string;
  /** Undefined: its answer is not remembered. */
  readonly key: string | undefined;
  /** What it has in common with those that are asked in turn. */
  readonly subject: string;
  readonly message: Buffer;
  readonly protocol: Protocol;
  readonly askers: OnAnswer[];
  inquiry?: QueryFanout;
}

const defaultAskerLimit = 1024;
/** Inquiries under way for the same name and type. */
const alikeLimit = 4;

export class Forwarder {
  readonly #inquiries = new Map<string, PendingQuery>();
  /** By subject, in the order in which they came. */
  readonly #alike = new Map<string, PendingQuery[]>();
  #askers = 0;
  #count = 0;

  constructor(
    readonly servers: readonly UpstreamServer[],
    readonly options: ForwarderOptions,
  ) {}

  /** Questions that wait for an answer. */
  get pendingCount(): number {
    return this.#askers;
  }

  /**
   * @param message the client's, which the forwarder keeps
   * @param asker told once: the answer, which others may hold too and which has another id; or that there is none
   */
  forward(message: Buffer, query: Query, protocol: Protocol, asker: OnAnswer): void {
    const key = cacheKey(query);
    const remembered = key === undefined ? undefined : this.options.cache.get(key);
    if (remembered !== undefined) {
      asker(remembered);
      return;
    }
    if (this.#askers >= (this.options.pendingLimit ?? defaultAskerLimit)) {
      asker('refused');
      return;
    }
    this.#askers++;
    const name = key === undefined ? `#${this.#count++}` : `${protocol} ${key}`;
    const others = this.#inquiries.get(name);
    if (others !== undefined) others.askers.push(asker);
    else this.#queue({ name, key, subject: subjectOf(query), message, protocol, askers: [asker] });
  }

  /** Asks nobody any more. */
  close(): void {
    const waiting = [...this.#inquiries.values()];
    this.#inquiries.clear();
    this.#alike.clear();
    this.#askers = 0;
    for (const { inquiry } of waiting) inquiry?.cancel();
    for (const { askers } of waiting) for (const asker of askers) asker('closed');
  }

  #queue(waiting: PendingQuery): void {
    this.#inquiries.set(waiting.name, waiting);
    const alike = this.#alike.get(waiting.subject) ?? [];
    this.#alike.set(waiting.subject, alike);
    if (alike.push(waiting) <= alikeLimit) this.#inquire(waiting);
  }

  #inquire(waiting: PendingQuery): void {
    waiting.inquiry = new QueryFanout(waiting.message, waiting.protocol, this.servers, this.options, (answer) =>
      this.#answered(waiting, answer),
    );
  }

  #answered(waiting: PendingQuery, answer: Answer | undefined): void {
    const { name, key, askers } = waiting;
    this.#inquiries.delete(name);
    this.#askers -= askers.length;
    if (key !== undefined && answer !== undefined) this.#remember(key, answer);
    this.#makeRoom(waiting, answer !== undefined);
    for (const each of askers) each(answer?.message ?? 'serverFailure');
  }

  /** For the next one. Where nobody knows, or says anything, it does not wait for the same again. */
  #makeRoom(ended: PendingQuery, isAnswered: boolean): void {
    const alike = this.#alike.get(ended.subject) ?? [];
    alike.splice(alike.indexOf(ended), 1);
    if (alike.length === 0) this.#alike.delete(ended.subject);
    const next = alike[alikeLimit - 1];
    if (next === undefined) return;
    if (isAnswered) this.#inquire(next);
    else this.#answered(next, undefined);
  }

  #remember(key: string, { message, server }: Answer): void {
    const asked = readQuestion(message);
    if (asked === undefined) return;
    const found = cacheLifetimeOf(message, asked.question, asked.end);
    if (!found.isNegative || server === this.servers[0]) this.options.cache.put(key, message, found);
  }
}

/** The only bit of EDNS that changes an answer: the asker wants signatures (DO). */
const signatures = 0x8000;

/** Undefined: not like any other question. */
function cacheKey({ question, flags, edns, isPlain: plain }: Query): string | undefined {
  if (!plain || ((edns?.extendedFlags ?? 0) & ~signatures) !== 0) return undefined;
  const asking = flags & (flag.recursionDesired | flag.authenticData | flag.checkingDisabled);
  return `${question.type} ${question.class} ${asking} ${edns?.extendedFlags ?? '-'} ${question.name}`;
}

function subjectOf({ question }: Query): string {
  return `${question.type} ${question.class} ${question.name}`;
}
