/**
 * A person's three streams, connected to a container's.
 *
 *     typed ──> detach keys ──> packets of bytes ──────> conmon ──> the container's stdin
 *     shown <── 2: stdout, 3: stderr <── packets <────── conmon <── its stdout and stderr
 *
 * conmon listens on BUNDLE/attach. Each packet from it begins with a byte that names the stream; packets to it are bare
 * bytes. There is no history: what the container said before the connection is in the log. So `run` connects while the
 * container is created and not yet started, and nothing is lost.
 *
 * Ends, and what they mean:
 * - conmon closes: the container has said its last word; the exit status follows from the exit file.
 * - our stdin ends: we close our direction; conmon passes the end on to the container, unless it was started with
 *   `--leave-stdin-open` (which `-t` and `-di` need, since otherwise the first client to leave ends the stdin for all).
 * - the detach keys are typed: we leave, the container goes on.
 * - nobody reads our stdout any more (`| head -1`): we leave, and say so. What that means for the container is not ours to
 *   say: `run` ends it, `attach` does not.
 *
 * A slow reader of our stdout slows the container: we stop taking packets, conmon's send blocks, the container's pipe
 * fills. That is what happens without gangway, too.
 *
 * @see socat - UNIX-CONNECT:BUNDLE/attach,type=5, which shows the packets
 */
import { join } from 'node:path';
import { SequencedSocket } from '../../sys/sequenced-socket.ts';
import { hasErrno } from '../../values/errors.ts';
import { DetachKeys } from './detach-keys.ts';
import { enableRawMode, isTerminalInput, isTerminalOutput, syncTerminalSize, type Undo } from './terminal.ts';
import { type MonitoredRun, waitForExit } from './wait-exit.ts';

/** The caller's end of a container's streams. */
export interface Streams {
  readonly stdin?: NodeJS.ReadStream | NodeJS.ReadableStream;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
  /** Docker's notation, `ctrl-p,ctrl-q`. */
  readonly detachKeys?: string;
}

/**
 * How an attached session ended. `detached`: the person left. `unread`: the reader of an output went away (EPIPE). A
 * container that was run or started in the foreground has been ended then; one that was attached to goes on.
 */
export type Ending =
  | { readonly kind: 'exited'; readonly exitCode: number }
  | { readonly kind: 'detached' }
  | { readonly kind: 'unread' };

/** The container's monitor was killed, or somebody has cleaned up: from here its end can't be seen, nor whether it has ended. */
export interface UnknownExit {
  readonly kind: 'unseen';
}

/** A created or running container, as far as attaching to it goes. */
export interface AttachTarget {
  /** Where conmon keeps `attach` and `ctl`. */
  readonly bundleDirectory: string;
  readonly run: MonitoredRun;
  /** The container has a terminal. */
  readonly terminal: boolean;
  /** The container has a stdin, and `streams.stdin` is to feed it. */
  readonly interactive: boolean;
  /** It has been running, and may have a screen that we have not seen. Default false. */
  readonly running?: boolean;
}

/** conmon reads 32 KiB at a time and loses what a larger packet holds. */
const LARGEST_PACKET = 8192;
const STDERR = 3;

/** One person's connection to one container. */
export interface Attachment {
  readonly result: Promise<Ending | UnknownExit>;
  /** Leaves, as with the detach keys. */
  close(): void;
}

/**
 * Connects, and comes back at once: the container may be started now, and its first byte will be seen.
 *
 * @throws KernelError ECONNREFUSED, Error ENOENT if there is nobody to connect to
 */
export function connectAttach(target: AttachTarget, streams: Streams): Attachment {
  const keys = new DetachKeys(streams.detachKeys);
  const socket = SequencedSocket.connect(join(target.bundleDirectory, 'attach'));
  const undo: Undo[] = [];
  const session = new Session(target, streams, socket);
  try {
    undo.push(session.watchOutputs());
    if (target.terminal) undo.push(...takeTerminal(target, streams));
    if (target.interactive && streams.stdin !== undefined) undo.push(session.feed(streams.stdin, keys));
  } catch (error) {
    release(undo, socket);
    throw error;
  }
  const ending = session.run().finally(() => release(undo, socket));
  // It may fail while the caller still starts the container and does not wait for it yet.
  void Promise.allSettled([ending]);
  return { result: ending, close: () => session.leave() };
}

function release(undo: readonly Undo[], socket: SequencedSocket): void {
  for (const step of undo.toReversed()) step();
  socket.close();
}

function takeTerminal(target: AttachTarget, streams: Streams): Undo[] {
  const undo: Undo[] = [];
  const screen = [streams.stdout, streams.stderr].find(isTerminalOutput);
  if (screen !== undefined) undo.push(syncTerminalSize(screen, target.bundleDirectory, target.running === true));
  if (target.interactive && isTerminalInput(streams.stdin)) undo.push(enableRawMode(streams.stdin));
  return undo;
}

class Session {
  #left: 'detached' | 'unread' | undefined;
  #failure: Error | undefined;

  constructor(
    private readonly target: AttachTarget,
    private readonly streams: Streams,
    private readonly socket: SequencedSocket,
  ) {}

  /** Ends our side; the container goes on. The first reason counts. */
  leave(why: 'detached' | 'unread' = 'detached'): void {
    this.#left ??= why;
    this.socket.close();
  }

  /** Shows what the container says, until one of the two sides leaves. */
  async run(): Promise<Ending | UnknownExit> {
    for await (const packet of this.socket.packets()) {
      const output = packet[0] === STDERR ? this.streams.stderr : this.streams.stdout;
      const failure = await writeBytes(output, packet.subarray(1));
      if (failure === undefined) continue;
      this.#outputFailed(failure);
      break;
    }
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#left !== undefined) return { kind: this.#left };
    const status = await waitForExit(this.target.run);
    return status === 'unknown' ? { kind: 'unseen' } : { kind: 'exited', exitCode: status };
  }

  /** An output that fails says so with an event, also when nothing is being written. */
  watchOutputs(): Undo {
    const onError = (error: Error) => this.#outputFailed(error);
    const outputs = [...new Set([this.streams.stdout, this.streams.stderr])];
    for (const output of outputs) output.on('error', onError);
    return () => {
      for (const output of outputs) output.off('error', onError);
    };
  }

  /** Sends what is typed or piped in, no faster than the container takes it. */
  feed(stdin: NodeJS.ReadableStream, keys: DetachKeys): Undo {
    let feeding = true;
    let sending = Promise.resolve();
    const onData = async (chunk: Buffer | string) => {
      stdin.pause();
      const typed = Buffer.from(chunk as Buffer);
      const { deliver, detached } = this.target.terminal ? keys.filter(typed) : { deliver: typed, detached: false };
      sending = this.#send(deliver);
      await sending;
      if (detached) this.leave();
      else if (feeding) stdin.resume();
    };
    // A stream may end while its last bytes still wait to be sent.
    const onEnd = () => void sending.then(() => this.socket.endSending());
    stdin.on('data', onData).on('end', onEnd).on('error', onEnd);
    return () => {
      feeding = false;
      stdin.off('data', onData).off('end', onEnd).off('error', onEnd);
      stdin.pause();
    };
  }

  /** A reader that went away (EPIPE) ends the session quietly; any other failure ends it with that error. */
  #outputFailed(error: Error): void {
    if (!hasErrno(error, 'EPIPE', 'ERR_STREAM_DESTROYED')) this.#failure ??= error;
    this.leave('unread');
  }

  async #send(bytes: Buffer): Promise<void> {
    for (let from = 0; from < bytes.length; from += LARGEST_PACKET) {
      if (!(await this.socket.send(bytes.subarray(from, from + LARGEST_PACKET)))) return;
    }
  }
}

/**
 * Resolves when the bytes are out of our hands, with the error if nobody takes them. By then the stream's `error` event,
 * which comes a moment after the callback, has found its listener.
 */
export function writeBytes(output: NodeJS.WritableStream, bytes: Buffer): Promise<Error | undefined> {
  return new Promise((resolve) => {
    output.write(bytes, (error) => {
      if (error == null) resolve(undefined);
      else setImmediate(resolve, error);
    });
  });
}
