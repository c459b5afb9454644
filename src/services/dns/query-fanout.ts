/**
 * Sends one query to several upstream servers until one of them answers.
 *
 *     server 1  |-------- timeout --------|······································|
 *     server 2                            |---- timeout ----|····· answer
 *     server 1                                              |------- second query, timeout doubled …
 *
 * The first good answer counts, also from a server whose timeout has passed. A negative answer of a later server waits one
 * second for the earlier servers, because the administrator chose the order: the first server may know internal names.
 * SERVFAIL, REFUSED and an unreachable server bring the next server at once; NXDOMAIN is an answer. A truncated answer is
 * fetched over TCP from the same server.
 */
import { flag, responseCode } from './message.ts';
import {
  type Cancel,
  orderUpstreams,
  type Protocol,
  type QueryResult,
  type SendQuery,
  type UpstreamServer,
  withRandomId,
} from './upstream.ts';

/** Below the five seconds of the C library. */
const deadlineMilliseconds = 4500;
const holdMilliseconds = 1000;
/** Queries to each server. TCP retransmits by itself. */
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

export interface Answer {
  readonly message: Buffer;
  readonly server: UpstreamServer;
}

/** A query on its way to one server. */
interface Attempt {
  readonly server: UpstreamServer;
  /** Position in the order of servers. */
  readonly rank: number;
  readonly begun: number;
  cancel: Cancel;
}

export class QueryFanout {
  readonly #order: readonly UpstreamServer[];
  readonly #failed = new Set<UpstreamServer>();
  readonly #attempts = new Set<Attempt>();
  readonly #deadline: Cancel;
  #sent = 0;
  #timeout: Cancel | undefined;
  #hold: Cancel | undefined;
  /** The answer that counts if no better one arrives. */
  #held: Answer | undefined;
  #ended = false;

  /** @param done called once, after the constructor has returned; undefined: no server answered */
  constructor(
    readonly query: Buffer,
    readonly protocol: Protocol,
    servers: readonly UpstreamServer[],
    readonly options: FanoutOptions,
    readonly done: (answer: Answer | undefined) => void,
  ) {
    this.#order = orderUpstreams(servers, options.clock.now());
    this.#deadline = options.clock.after(deadlineMilliseconds, () => this.#end(this.#held));
    this.#sendNext();
  }

  /** Ends without calling `done`. */
  cancel(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#deadline();
    this.#timeout?.();
    this.#hold?.();
    for (const attempt of this.#attempts) attempt.cancel();
    this.#attempts.clear();
  }

  /** Sends to the next server that has not failed, and to the one after it when the timeout has passed. */
  #sendNext(): void {
    this.#timeout?.();
    this.#timeout = undefined;
    const limit = this.#order.length * rounds[this.protocol];
    while (this.#sent < limit) {
      const server = this.#order[this.#sent++ % this.#order.length];
      if (server === undefined || this.#failed.has(server)) continue;
      this.#send(server, this.protocol, (outcome, attempt) => this.#received(outcome, attempt));
      this.#timeout = this.options.clock.after(server.timeoutMilliseconds, () => this.#timedOut(server));
      return;
    }
  }

  #timedOut(server: UpstreamServer): void {
    if (!this.#failed.has(server)) server.recordTimeout(this.options.clock.now());
    this.#sendNext();
  }

  #send(server: UpstreamServer, protocol: Protocol, report: (outcome: QueryResult, attempt: Attempt) => void): void {
    const attempt: Attempt = {
      server,
      rank: this.#order.indexOf(server),
      begun: this.options.clock.now(),
      cancel: () => {},
    };
    this.#attempts.add(attempt);
    attempt.cancel = this.options.send(server.upstream, protocol, withRandomId(this.query), (outcome) => {
      this.#attempts.delete(attempt);
      report(outcome, attempt);
    });
  }

  #received(outcome: QueryResult, { server, begun }: Attempt): void {
    if (outcome.kind === 'unreachable') {
      server.recordTimeout(this.options.clock.now());
      this.#fail(server);
      return;
    }
    const answer = { message: outcome.message, server };
    server.recordAnswer(this.options.clock.now() - begun);
    const verdict = classify(answer.message);
    if (verdict === 'failed') this.#fail(server);
    else if (verdict === 'truncated' && this.protocol === 'udp') this.#retryOverTcp(answer);
    else if (verdict === 'negative' && this.#isOutranked(server)) this.#keep(answer);
    else this.#end(answer);
  }

  #fail(server: UpstreamServer): void {
    this.#failed.add(server);
    const allFailed = this.#failed.size === this.#order.length && this.#attempts.size === 0;
    if (allFailed || (this.#held !== undefined && !this.#isOutranked(this.#held.server))) this.#end(this.#held);
    // In later rounds the timeout of the previous server runs on.
    else if (this.#sent < this.#order.length) this.#sendNext();
  }

  /** The truncated answer counts if the server does not answer over TCP. */
  #retryOverTcp(truncated: Answer): void {
    const { server } = truncated;
    this.#timeout?.();
    this.#send(server, 'tcp', (outcome) => {
      const isWhole = outcome.kind === 'answer' && classify(outcome.message) !== 'failed';
      this.#end(isWhole ? { message: outcome.message, server } : truncated);
    });
    this.#keep(truncated);
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

function classify(message: Buffer): 'failed' | 'truncated' | 'negative' | 'positive' {
  const flags = message.readUInt16BE(2);
  const code = flags & flag.code;
  const isFailure = code === responseCode.serverFailure || code === responseCode.refused;
  if (isFailure || message.readUInt16BE(4) !== 1) return 'failed';
  if ((flags & flag.truncated) !== 0) return 'truncated';
  return code === responseCode.nxDomain || message.readUInt16BE(6) === 0 ? 'negative' : 'positive';
}
