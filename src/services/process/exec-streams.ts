/**
 * The streams of a further command: pipes, between it and whoever calls.
 *
 *     our stdin ── copied ──> pipe ──> command ──> pipe ── copied ──> our stdout
 *
 * With a terminal our own streams are inherited, for crun to pass keys and sizes on; others are copied all the same.
 */
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { openPipe } from '../../sys/pipe-ends.ts';
import { hasErrno } from '../../values/errors.ts';
import type { ExecRequest } from '../../values/exec.ts';
import type { Streams } from './attach.ts';

/** What the command has left running may hold its output for ever: so long it is waited for, as Docker does. */
const patienceMilliseconds = 2000;
const lookMilliseconds = 100;

export class ExecStreams {
  /** What the command gets as its descriptors 0, 1 and 2. */
  readonly stdio: readonly (number | 'inherit')[];
  readonly #handedOver: number[] = [];
  readonly #input: Input | undefined;
  readonly #outputs: Output[] = [];

  /** @throws KernelError EMFILE */
  constructor(request: ExecRequest, streams: Streams) {
    const isOwn = (name: 'stdin' | 'stdout' | 'stderr') => request.terminal && streams[name] === process[name];
    try {
      const out = (name: 'stdout' | 'stderr') => (isOwn(name) ? 'inherit' : this.#output(streams[name]));
      if (isOwn('stdin')) this.stdio = ['inherit', out('stdout'), out('stderr')];
      else {
        const { reader, writer } = openPipe();
        this.#handedOver.push(reader);
        const feeds = request.interactive || request.terminal;
        this.#input = new Input(new Socket({ fd: writer, readable: false }), feeds ? streams.stdin : undefined);
        this.stdio = [reader, out('stdout'), out('stderr')];
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** The command has them now. */
  closeChildEnds(): void {
    for (const fd of this.#handedOver.splice(0)) closeSync(fd);
  }

  /** Rejects as soon as an output can't be written, but for want of a reader. */
  get failure(): Promise<never> {
    return new Promise((_, reject) => {
      for (const { lost } of this.#outputs)
        void lost.then((error) => {
          if (error !== undefined) reject(error);
        });
    });
  }

  /**
   * All that was said has been heard. What the command has left running is waited for as long as `timeoutMilliseconds`, a
   * reader that takes its time however long that is.
   */
  async drained(): Promise<void> {
    let patience = patienceMilliseconds;
    let watch: NodeJS.Timeout | undefined;
    const over = new Promise<void>((resolve) => {
      watch = setInterval(() => {
        if (this.#outputs.some(({ isBlocked }) => isBlocked)) return;
        patience -= lookMilliseconds;
        if (patience <= 0) resolve();
      }, lookMilliseconds);
    });
    try {
      const found = await Promise.race([Promise.all(this.#outputs.map(({ lost }) => lost)), over]);
      const error = found?.find((each) => each !== undefined);
      if (error !== undefined) throw error;
    } finally {
      clearInterval(watch);
    }
  }

  close(): void {
    this.closeChildEnds();
    this.#input?.close();
    for (const output of this.#outputs) output.close();
  }

  #output(to: Streams['stdout']): number {
    const { reader, writer } = openPipe();
    this.#handedOver.push(writer);
    this.#outputs.push(new Output(new Socket({ fd: reader, writable: false }), to));
    return writer;
  }
}

/** Without a source the command finds the end at once. */
class Input {
  readonly #end = () => void this.to.end();

  constructor(
    readonly to: Socket,
    readonly from: Streams['stdin'],
  ) {
    // A command that ends before it has read all its input is no error of ours.
    to.on('error', () => to.destroy());
    if (from === undefined) to.end();
    else from.once('error', this.#end).once('close', this.#end).pipe(to);
  }

  close(): void {
    this.from?.off('error', this.#end).off('close', this.#end).unpipe(this.to).pause();
    this.to.destroy();
  }
}

class Output {
  /** When it has ended: why not all of it was heard, unless nobody listened any more. */
  readonly lost: Promise<Error | undefined>;

  constructor(
    readonly from: Socket,
    readonly to: Streams['stdout'],
  ) {
    this.lost = new Promise((resolve) => {
      // Whoever writes on when our reader has gone hears of it: EPIPE.
      const lose = (error: unknown) => from.destroy(hasErrno(error, 'EPIPE') ? undefined : (error as Error));
      to.once('error', lose);
      from.once('error', resolve).once('close', () => {
        to.off('error', lose);
        from.unpipe(to);
        resolve(undefined);
      });
    });
    from.pipe(to, { end: false });
  }

  /** Does its reader take nothing at the moment? */
  get isBlocked(): boolean {
    return !this.from.destroyed && (this.to as Partial<Writable>).writableNeedDrain === true;
  }

  close(): void {
    this.from.destroy();
  }
}
