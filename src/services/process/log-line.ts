/**
 * The format of conmon's log, and how lines become text again.
 *
 *     2026-11-23T23:00:00.123456789+00:00 stdout F hello
 *     |                                   |      | |
 *     time                                stream | text
 *                                                F: a line feed belongs here, P: the line goes on in a later entry
 *
 * An entry is what conmon read at once, cut at line feeds: a long line comes in several, a prompt without a line feed
 * waits as a P, and a character of several bytes may be cut in two. The entries of the two streams alternate freely.
 *
 * @see the CRI log format in Kubernetes' kubelet, from which conmon has it
 */
import { StringDecoder } from 'node:string_decoder';

export interface LogLine {
  readonly time: Date;
  readonly stream: 'stdout' | 'stderr';
  /** With its line feed, unless the container has not written it yet. */
  readonly text: string;
}

export interface LogEntry {
  readonly time: Date;
  readonly stream: 'stdout' | 'stderr';
  /** F: the line is complete. */
  readonly complete: boolean;
  readonly bytes: Buffer;
}

const BLANK = 0x20;

/**
 * One entry, without its line feed.
 *
 * @returns undefined for anything else: a machine that lost power may leave half an entry, or zeros
 */
export function parseLogEntry(entry: Buffer): LogEntry | undefined {
  const afterTime = entry.indexOf(BLANK);
  const afterStream = entry.indexOf(BLANK, afterTime + 1);
  const afterTag = entry.indexOf(BLANK, afterStream + 1);
  if (afterTime < 0 || afterStream < 0 || afterTag < 0) return undefined;
  const time = new Date(entry.toString('latin1', 0, afterTime));
  const stream = entry.toString('latin1', afterTime + 1, afterStream);
  const tag = entry.toString('latin1', afterStream + 1, afterTag);
  if (Number.isNaN(time.getTime()) || (stream !== 'stdout' && stream !== 'stderr')) return undefined;
  if (tag !== 'F' && tag !== 'P') return undefined;
  return { time, stream, complete: tag === 'F', bytes: entry.subarray(afterTag + 1) };
}

/** A longer line is handed out in pieces, so that a container which never ends a line can't fill our memory. */
const LARGEST_PIECE = 65_536;

/** Joins the entries of one log. */
export class LogLineAssembler {
  readonly #unfinished = { stdout: new Unfinished('stdout'), stderr: new Unfinished('stderr') };

  /** @returns the line that this entry completes, if it does */
  add(entry: LogEntry): LogLine | undefined {
    return this.#unfinished[entry.stream].add(entry);
  }

  /** What has come of lines that are not complete: for a person who waits for a prompt, and at the end of a log. */
  *rest(): Generator<LogLine> {
    for (const line of [this.#unfinished.stdout.take(), this.#unfinished.stderr.take()]) {
      if (line !== undefined) yield line;
    }
  }
}

/** The line of one stream that is still being written. */
class Unfinished {
  readonly #decoder = new StringDecoder('utf8');
  #text = '';
  #since: Date | undefined;

  constructor(private readonly stream: 'stdout' | 'stderr') {}

  add(entry: LogEntry): LogLine | undefined {
    this.#since ??= entry.time;
    this.#text += this.#decoder.write(entry.bytes);
    if (entry.complete) this.#text += `${this.#decoder.end()}\n`;
    return entry.complete || this.#text.length >= LARGEST_PIECE ? this.take() : undefined;
  }

  /** All but the first bytes of a character whose last ones have not come. */
  take(): LogLine | undefined {
    if (this.#since === undefined || this.#text === '') return undefined;
    const line = { time: this.#since, stream: this.stream, text: this.#text };
    this.#text = '';
    this.#since = undefined;
    return line;
  }
}
