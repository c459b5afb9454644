/**
 * Reading a container's log, while conmon goes on writing it.
 *
 * The file only grows, until it reaches its size limit: then conmon puts a new, empty file in its place, and the old
 * one has no name any more. A follower keeps the old one open, reads it to its end, and goes over to the new one.
 *
 *     tail -n N -F LOG
 */
import { watch } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { hasErrno } from '../../values/errors.ts';
import { longestTimeoutMilliseconds } from '../../values/timer.ts';
import { type LogLine, LogLineAssembler, parseLogEntry } from './log-line.ts';
import { findTail } from './log-tail.ts';

export interface LogOptions {
  readonly follow: boolean;
  /** Only the last N lines. */
  readonly tail?: number;
  readonly since?: Date;
  readonly until?: Date;
}

const BLOCK_BYTES = 65_536;
const LINE_FEED = 0x0a;

/**
 * What the log holds now. A log that does not exist (yet) holds nothing.
 *
 * @throws Error EACCES and other errors of open(2) and read(2)
 */
export async function* readLog(path: string, options: Omit<LogOptions, 'follow'>): AsyncGenerator<LogLine> {
  const log = await LogFile.open(path);
  if (log === undefined) return;
  try {
    if (options.tail !== undefined) await log.skipToTail(options.tail);
    yield* within(options, log.lines());
    yield* within(options, log.rest());
  } finally {
    await log.close();
  }
}

/**
 * What the log holds, and then what comes, until the container has ended.
 *
 * @param ended settles when nothing more will be written; must give up when its signal fires
 */
export async function* followLog(
  path: string,
  options: Omit<LogOptions, 'follow'>,
  ended: (signal: AbortSignal) => Promise<unknown>,
): AsyncGenerator<LogLine> {
  const changes = new Changes(path, ended);
  let log: LogFile | undefined;
  let tail = options.tail;
  try {
    for (;;) {
      // Asked before reading: what is written until then is read below.
      const last = changes.areOver();
      log ??= await LogFile.open(path);
      if (log !== undefined) {
        if (tail !== undefined) await log.skipToTail(tail);
        yield* within(options, log.lines());
        const replaced = await log.isReplaced();
        if (replaced) yield* within(options, log.lines());
        yield* within(options, log.rest());
        tail = undefined;
        if (replaced) {
          await log.close();
          log = undefined;
          continue;
        }
      }
      if (last || (options.until !== undefined && Date.now() > options.until.getTime())) return;
      await changes.next(options.until);
    }
  } finally {
    changes.close();
    await log?.close();
  }
}

async function* within(
  { since, until }: { readonly since?: Date; readonly until?: Date },
  lines: AsyncIterable<LogLine> | Iterable<LogLine>,
): AsyncGenerator<LogLine> {
  for await (const line of lines) {
    if (until !== undefined && line.time > until) return;
    if (since === undefined || line.time >= since) yield line;
  }
}

/** One file under the log's name, read from front to back. */
class LogFile {
  readonly #joiner = new LogLineAssembler();
  #position = 0;
  /** The beginning of an entry whose end conmon has not written yet. */
  #torn: Buffer = Buffer.alloc(0);

  private constructor(
    private readonly path: string,
    private readonly handle: FileHandle,
  ) {}

  /** @returns undefined if there is none */
  static async open(path: string): Promise<LogFile | undefined> {
    try {
      return new LogFile(path, await open(path, 'r'));
    } catch (error) {
      if (hasErrno(error, 'ENOENT')) return undefined;
      throw error;
    }
  }

  async skipToTail(lines: number): Promise<void> {
    this.#position = await findTail(this.handle, lines);
  }

  /** Complete lines, up to the present end of the file. */
  async *lines(): AsyncGenerator<LogLine> {
    for (;;) {
      const { bytesRead, buffer } = await this.handle.read(
        Buffer.allocUnsafe(BLOCK_BYTES),
        0,
        BLOCK_BYTES,
        this.#position,
      );
      if (bytesRead === 0) return;
      this.#position += bytesRead;
      const bytes = Buffer.concat([this.#torn, buffer.subarray(0, bytesRead)]);
      yield* this.#linesIn(bytes);
    }
  }

  *#linesIn(bytes: Buffer): Generator<LogLine> {
    let start = 0;
    for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, start)) {
      const entry = parseLogEntry(bytes.subarray(start, end));
      start = end + 1;
      const line = entry && this.#joiner.add(entry);
      if (line !== undefined) yield line;
    }
    this.#torn = bytes.subarray(start);
  }

  /** Incomplete lines: a prompt, or the last words of a container that ended in the middle of a line. */
  rest(): Iterable<LogLine> {
    return this.#joiner.rest();
  }

  /** Has conmon put another file under this name? Then this one has its last byte. */
  async isReplaced(): Promise<boolean> {
    try {
      return (await stat(this.path)).ino !== (await this.handle.stat()).ino;
    } catch (error) {
      if (hasErrno(error, 'ENOENT')) return false;
      throw error;
    }
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}

/** Tells when to look at the log again: something was written, or nothing will be any more. */
class Changes {
  readonly #watcher;
  readonly #abort = new AbortController();
  #over = false;
  #failure: unknown;
  #changed = false;
  #wake: () => void = () => {};

  constructor(path: string, ended: (signal: AbortSignal) => Promise<unknown>) {
    const name = basename(path);
    this.#watcher = watch(dirname(path), (_, file) => {
      if (file === name) this.#notify();
    });
    ended(this.#abort.signal).then(
      () => this.#finish(undefined),
      (error) => this.#finish(error),
    );
  }

  areOver(): boolean {
    if (this.#failure !== undefined) throw this.#failure;
    return this.#over;
  }

  /** Resolves at the first change since the last call, at the latest at `until`. */
  async next(until: Date | undefined): Promise<void> {
    if (!this.#changed) await this.#change(until);
    this.#changed = false;
  }

  close(): void {
    this.#watcher.close();
    this.#abort.abort();
  }

  #change(until: Date | undefined): Promise<void> {
    return new Promise((resolve) => {
      const timer =
        until && setTimeout(resolve, Math.min(until.getTime() - Date.now() + 1, longestTimeoutMilliseconds));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #notify(): void {
    this.#changed = true;
    this.#wake();
  }

  #finish(failure: unknown): void {
    if (this.#abort.signal.aborted) return;
    this.#failure = failure;
    this.#over = true;
    this.#notify();
  }
}
