/**
 * One question to several servers, until one of them knows.
 *
 *     server 1  |-------- patience --------|······································|
 *     server 2                             |---- patience ----|····· answer
 *     server 1                                                |------- again, patience doubled …
 *
 * An earlier server is not given up when the next one is asked; the first good answer counts. A "no" of a later server
 * waits a second for the earlier ones, since the order is a person's: the first may be the one that knows the names of
 * the office. SERVFAIL, REFUSED and nobody there bring the next server at once; "no such name" is an answer. A cut answer
 * is asked for again by TCP, from the same server.
 */

import { flag, responseCode } from './message.ts';
import { orderUpstreams, type UpstreamServer } from './upstream.ts';
import { type Cancel, type Protocol, type QueryResult, type SendQuery, withRandomId } from './upstream-query.ts';

/** The C library waits for five seconds; it is to hear before. */
const deadlineMilliseconds = 4500;
const holdMilliseconds = 1000;
/** By UDP each server is asked so often; by TCP the kernel sends again what got lost. */
const rounds = { udp: 3, tcp: 1 } as const;

export interface Clock {
  /** Milliseconds, from any origin. */
  now(): number;
  after(milliseconds: number, action: () => void): Cancel;
}

export interface FanoutOptions {
  readonly send: SendQuery;
  readonly clock: Clock;
}

/** What the asker is told, and by whom. */
export interface Answer {
  readonly message: Buffer;
  readonly server: UpstreamServer;
}

/** An exchange under way. */
interface Attempt {
  readonly server: UpstreamServer;
  /** Its place in the order: the lower, the more its word counts. */
  readonly rank: number;
  readonly begun: number;
  cancel: Cancel;
}

export class QueryFanout {
  readonly #order: readonly UpstreamServer[];
  /** Servers that have failed, and are not asked again. */
  readonly #failed = new Set<UpstreamServer>();
  readonly #attempts = new Set<Attempt>();
  readonly #deadline: Cancel;
  #asked = 0;
  #patience: Cancel | undefined;
  #hold: Cancel | undefined;
  /** The answer that counts if no better one comes. */
  #held: Answer | undefined;
  #ended = false;

  /** @param done called once, not before the constructor has returned, with the answer; undefined: nobody had one */
  constructor(
    readonly query: Buffer,
    readonly protocol: Protocol,
    servers: readonly UpstreamServer[],
    readonly options: FanoutOptions,
    readonly done: (answer: Answer | undefined) => void,
  ) {
    this.#order = orderUpstreams(servers, options.clock.now());
    this.#deadline = options.clock.after(deadlineMilliseconds, () => this.#end(this.#held));
    this.#askNext();
  }

  /** Ends without a word. */
  cancel(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#deadline();
    this.#patience?.();
    this.#hold?.();
    for (const attempt of this.#attempts) attempt.cancel();
    this.#attempts.clear();
  }

  /** Asks the next server that has not failed, and the one after it when that one's patience has passed. */
  #askNext(): void {
    this.#patience?.();
    this.#patience = undefined;
    const most = this.#order.length * rounds[this.protocol];
    while (this.#asked < most) {
      const server = this.#order[this.#asked++ % this.#order.length];
      if (server === undefined || this.#failed.has(server)) continue;
      this.#begin(server, this.protocol, (outcome, attempt) => this.#heard(outcome, attempt));
      this.#patience = this.options.clock.after(server.timeoutMilliseconds, () => this.#lost(server));
      return;
    }
  }

  #lost(server: UpstreamServer): void {
    if (!this.#failed.has(server)) server.recordTimeout(this.options.clock.now());
    this.#askNext();
  }

  #begin(server: UpstreamServer, protocol: Protocol, heard: (outcome: QueryResult, attempt: Attempt) => void): void {
    const attempt: Attempt = {
      server,
      rank: this.#order.indexOf(server),
      begun: this.options.clock.now(),
      cancel: () => {},
    };
    this.#attempts.add(attempt);
    attempt.cancel = this.options.send(server.upstream, protocol, withRandomId(this.query), (outcome) => {
      this.#attempts.delete(attempt);
      heard(outcome, attempt);
    });
  }

  #heard(outcome: QueryResult, attempt: Attempt): void {
    if (outcome.kind === 'unreachable') {
      attempt.server.recordTimeout(this.options.clock.now());
      this.#fail(attempt.server);
      return;
    }
    const { server } = attempt;
    const answer = { message: outcome.message, server };
    server.recordAnswer(this.options.clock.now() - attempt.begun);
    const verdict = judge(answer.message);
    if (verdict === 'failed') this.#fail(server);
    else if (verdict === 'cut' && this.protocol === 'udp') this.#askForAll(answer);
    else if (verdict === 'no' && this.#isOutranked(server)) this.#keep(answer);
    else this.#end(answer);
  }

  #fail(server: UpstreamServer): void {
    this.#failed.add(server);
    const hopeless = this.#failed.size === this.#order.length && this.#attempts.size === 0;
    if (hopeless || (this.#held !== undefined && !this.#isOutranked(this.#held.server))) this.#end(this.#held);
    // Those who were asked before have their time; it is running.
    else if (this.#asked < this.#order.length) this.#askNext();
  }

  /** By TCP there is room. A server without TCP has said what it had to say. */
  #askForAll(cut: Answer): void {
    const { server } = cut;
    this.#patience?.();
    this.#begin(server, 'tcp', (outcome) => {
      const whole = outcome.kind === 'answer' && judge(outcome.message) !== 'failed';
      this.#end(whole ? { message: outcome.message, server } : cut);
    });
    this.#keep(cut);
  }

  #keep(answer: Answer): void {
    this.#held ??= answer;
    this.#hold ??= this.options.clock.after(holdMilliseconds, () => this.#end(this.#held));
  }

  #isOutranked(server: UpstreamServer): boolean {
    const rank = this.#order.indexOf(server);
    return [...this.#attempts].some((attempt) => attempt.rank < rank);
  }

  #end(answer: Answer | undefined): void {
    if (this.#ended) return;
    this.cancel();
    this.done(answer);
  }
}

function judge(message: Buffer): 'failed' | 'cut' | 'no' | 'yes' {
  const flags = message.readUInt16BE(2);
  const code = flags & flag.code;
  if (code === responseCode.serverFailure || code === responseCode.refused || message.readUInt16BE(4) !== 1)
    return 'failed';
  if ((flags & flag.truncated) !== 0) return 'cut';
  return code === responseCode.nxDomain || message.readUInt16BE(6) === 0 ? 'no' : 'yes';
}
