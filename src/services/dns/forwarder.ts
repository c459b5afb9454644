/**
 * Questions of one container to the world: answered from memory, joined to an equal question that is on its way, or
 * asked.
 *
 * Two questions are equal when their servers would see no difference: name (in any case), type, class, and the flags that
 * ask for something. Of EDNS that is the DO bit and whether there is an OPT record at all; a question with options in it (a
 * cookie, a client's subnet) is for its asker alone, and so is its answer.
 *
 * A "no" is remembered only if the first server of a person's order has said it: a later one, which is asked when that one
 * fails, may not know the names of the office.
 *
 * The number of askers is bounded, whether they wait for one answer or for many. Beyond it the answer is REFUSED, at once:
 * Docker lets them wait four seconds first.
 */
import type { AnswerCache } from './cache.ts';
import type { Protocol } from './exchange.ts';
import { type Answer, Inquiry, type InquiryOptions } from './inquiry.ts';
import { lifetime } from './lifetime.ts';
import { flag, type Query, readQuestion } from './message.ts';
import type { UpstreamServer } from './upstream.ts';

/** `moved`: this forwarder was closed; its successor is to be asked. */
export type ForwardAnswer = Buffer | 'refused' | 'failed' | 'moved';
type Asker = (answer: ForwardAnswer) => void;

export interface ForwarderOptions extends InquiryOptions {
  readonly cache: AnswerCache;
  /** Default 1,024. */
  readonly askerLimit?: number;
}

/** An inquiry under way, and all who wait for it. */
interface Waiting {
  readonly askers: Asker[];
  inquiry?: Inquiry;
}

const defaultAskerLimit = 1024;

export class Forwarder {
  readonly #inquiries = new Map<string, Waiting>();
  #askers = 0;
  #count = 0;

  constructor(
    readonly servers: readonly UpstreamServer[],
    readonly options: ForwarderOptions,
  ) {}

  /** Questions that wait for an answer. */
  get askers(): number {
    return this.#askers;
  }

  /**
   * @param message the client's, which the forwarder keeps
   * @param asker told once: the answer, which others may hold too and which has another id; or that there is none
   */
  forward(message: Buffer, query: Query, protocol: Protocol, asker: Asker): void {
    const key = cacheKey(query);
    const remembered = key === undefined ? undefined : this.options.cache.get(key);
    if (remembered !== undefined) {
      asker(remembered);
      return;
    }
    if (this.#askers >= (this.options.askerLimit ?? defaultAskerLimit)) {
      asker('refused');
      return;
    }
    this.#askers++;
    const name = key === undefined ? `#${this.#count++}` : `${protocol} ${key}`;
    const others = this.#inquiries.get(name);
    if (others !== undefined) others.askers.push(asker);
    else this.#inquire(name, { key, message, protocol, asker });
  }

  /** Asks nobody any more. */
  close(): void {
    const waiting = [...this.#inquiries.values()];
    this.#inquiries.clear();
    this.#askers = 0;
    for (const { inquiry } of waiting) inquiry?.cancel();
    for (const { askers } of waiting) for (const asker of askers) asker('moved');
  }

  #inquire(
    name: string,
    first: {
      readonly key: string | undefined;
      readonly message: Buffer;
      readonly protocol: Protocol;
      readonly asker: Asker;
    },
  ): void {
    const { key, message, protocol, asker } = first;
    const entry: Waiting = { askers: [asker] };
    this.#inquiries.set(name, entry);
    entry.inquiry = new Inquiry(message, protocol, this.servers, this.options, (answer) => {
      this.#inquiries.delete(name);
      this.#askers -= entry.askers.length;
      if (key !== undefined && answer !== undefined) this.#remember(key, answer);
      for (const each of entry.askers) each(answer?.message ?? 'failed');
    });
  }

  #remember(key: string, { message, server }: Answer): void {
    const asked = readQuestion(message);
    if (asked === undefined) return;
    const found = lifetime(message, asked.question, asked.end);
    if (!found.isNegative || server === this.servers[0]) this.options.cache.put(key, message, found);
  }
}

/** The only bit of EDNS that changes an answer: the asker wants signatures (DO). */
const signatures = 0x8000;

/** Undefined: not like any other question. */
function cacheKey({ question, flags, edns, plain }: Query): string | undefined {
  if (!plain || ((edns?.bits ?? 0) & ~signatures) !== 0) return undefined;
  const asking = flags & (flag.recursionDesired | flag.authenticData | flag.checkingDisabled);
  return `${question.type} ${question.class} ${asking} ${edns?.bits ?? '-'} ${question.name}`;
}
