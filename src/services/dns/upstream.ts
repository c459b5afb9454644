/**
 * Upstream servers of one container: their response time and availability, and how a query to one of them is sent.
 *
 * The timeout of a server follows its earlier response times (smoothed time plus four times the deviation, as in TCP). After
 * the timeout the next server gets the query, too. After three timeouts a server comes last in the order for 30 seconds. So
 * one dead server costs the first queries less than a second and later queries nothing.
 *
 * @see RFC 6298
 */
import { randomInt } from 'node:crypto';
import type { Upstream } from '../../values/resolver.ts';
import { flag, headerSize, lowerCase, readQuestion, responseCode } from './message.ts';

const timeout = { initial: 400, min: 100, max: 2000 } as const;
const timeoutsUntilDeferred = 3;
const deferredMilliseconds = 30_000;

export class UpstreamServer {
  #smoothed: number | undefined;
  #deviation = 0;
  #timeouts = 0;
  #deferredUntil = Number.NEGATIVE_INFINITY;

  constructor(readonly upstream: Upstream) {}

  /** The time after which the next server gets the query, too. */
  get timeoutMilliseconds(): number {
    const measured = this.#smoothed === undefined ? timeout.initial : this.#smoothed + 4 * this.#deviation;
    const doubled = Math.max(measured, timeout.min) * 2 ** Math.min(this.#timeouts, timeoutsUntilDeferred);
    return Math.min(doubled, timeout.max);
  }

  recordAnswer(milliseconds: number): void {
    this.#timeouts = 0;
    this.#deferredUntil = Number.NEGATIVE_INFINITY;
    if (this.#smoothed === undefined) {
      this.#smoothed = milliseconds;
      this.#deviation = milliseconds / 2;
      return;
    }
    this.#deviation += (Math.abs(milliseconds - this.#smoothed) - this.#deviation) / 4;
    this.#smoothed += (milliseconds - this.#smoothed) / 8;
  }

  /** Records a timeout or an unreachable server. */
  recordTimeout(now: number): void {
    this.#timeouts++;
    if (this.#timeouts >= timeoutsUntilDeferred) this.#deferredUntil = now + deferredMilliseconds;
  }

  isDeferred(now: number): boolean {
    return now < this.#deferredUntil;
  }
}

/** Returns the servers in the configured order, deferred servers last. */
export function orderUpstreams(servers: readonly UpstreamServer[], now: number): readonly UpstreamServer[] {
  return [
    ...servers.filter((server) => !server.isDeferred(now)),
    ...servers.filter((server) => server.isDeferred(now)),
  ];
}

export type Protocol = 'udp' | 'tcp';

export type QueryResult =
  | { readonly kind: 'answer'; readonly message: Buffer }
  /** ICMP error, RST, or no route. */
  | { readonly kind: 'unreachable' };

/** Ends a query without a report. */
export type Cancel = () => void;

/**
 * Sends a query to a server. Reports the first message that answers it, once, after this function has returned. The timeout
 * is the caller's.
 */
export type SendQuery = (
  server: Upstream,
  protocol: Protocol,
  query: Buffer,
  report: (outcome: QueryResult) => void,
) => Cancel;

/** Copies a query with an unpredictable id. */
export function withRandomId(query: Buffer): Buffer {
  const copy = Buffer.from(query);
  copy.writeUInt16BE(randomInt(0x10000), 0);
  return copy;
}

/**
 * Does this message answer that query? It needs the same id and question, and the response flag. An error reply may omit the
 * question. The connected socket checks the server's address.
 */
export function isAnswer(query: Buffer, message: Buffer): boolean {
  if (message.length < headerSize || message.readUInt16BE(0) !== query.readUInt16BE(0)) return false;
  const flags = message.readUInt16BE(2);
  if ((flags & flag.response) === 0) return false;
  if (message.readUInt16BE(4) === 0) return (flags & flag.code) !== responseCode.noError;
  const end = readQuestion(query)?.end ?? 0;
  return message.readUInt16BE(4) === 1 && message.length >= end && isSameQuestion(query, message, end);
}

/** Compares the names without case. */
function isSameQuestion(query: Buffer, message: Buffer, end: number): boolean {
  for (let at = headerSize; at < end - 4; at++)
    if (lowerCase(query[at] ?? 0) !== lowerCase(message[at] ?? 0)) return false;
  return query.compare(message, end - 4, end, end - 4, end) === 0;
}
