/** One question to one server, as the rules see it; how the bytes travel is another file's affair. */
import { randomInt } from 'node:crypto';
import type { Upstream } from '../../values/resolver.ts';
import { flag, headerSize, lowerCase, readQuestion, responseCode } from './message.ts';

export type Protocol = 'udp' | 'tcp';

export type QueryResult =
  | { readonly kind: 'answer'; readonly message: Buffer }
  /** Nobody is there, or there is no way to them: an ICMP message, an RST, no route. */
  | { readonly kind: 'unreachable' };

/** Ends an exchange; nothing is reported any more. */
export type Cancel = () => void;

/**
 * Sends `query` to `server` and reports the first message that answers it, once, and not before this function has
 * returned. A server that says nothing is not reported: the time is the caller's.
 */
export type SendQuery = (
  server: Upstream,
  protocol: Protocol,
  query: Buffer,
  report: (outcome: QueryResult) => void,
) => Cancel;

/** The query with an id that nobody can guess. */
export function withRandomId(query: Buffer): Buffer {
  const copy = Buffer.from(query);
  copy.writeUInt16BE(randomInt(0x10000), 0);
  return copy;
}

/**
 * Is this the answer to that query: its id, its question, and an answer at all? The address is the kernel's affair: the
 * socket is connected. A server that could make nothing of a question may leave it out.
 */
export function isAnswer(query: Buffer, message: Buffer): boolean {
  if (message.length < headerSize || message.readUInt16BE(0) !== query.readUInt16BE(0)) return false;
  const flags = message.readUInt16BE(2);
  if ((flags & flag.response) === 0) return false;
  if (message.readUInt16BE(4) === 0) return (flags & flag.code) !== responseCode.noError;
  const end = readQuestion(query)?.end ?? 0;
  return message.readUInt16BE(4) === 1 && message.length >= end && sameQuestion(query, message, end);
}

/** Letter by letter, whatever their case. */
function sameQuestion(query: Buffer, message: Buffer, end: number): boolean {
  for (let at = headerSize; at < end - 4; at++)
    if (lowerCase(query[at] ?? 0) !== lowerCase(message[at] ?? 0)) return false;
  return query.compare(message, end - 4, end, end - 4, end) === 0;
}
