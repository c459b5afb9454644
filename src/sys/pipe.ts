/**
 * Pipes as a place for what splice(2) moves: pages that a socket has received wait in a pipe, uncopied, until another socket
 * sends them.
 *
 *     socket ──splice──> pipe ──splice──> socket
 *
 * @see splice(2), F_SETPIPE_SZ in fcntl(2)
 */
import { KernelError } from '../values/errors.ts';
import { errnoName } from './libc.ts';
import { addressOf, lastErrno, type SystemCalls, systemCalls } from './system-calls.ts';

const O_NONBLOCK_CLOEXEC = 0o2004000;
const F_SETPIPE_SZ = 1031;
const SPLICE_F_MOVE = 1;
const SPLICE_F_NONBLOCK = 2;

/** The most that a pipe of an ordinary user may hold (fs.pipe-max-size), and what a stream is cheapest with: 256 KiB cost 13 to 67 % more. */
const pipeBytes = 1 << 20;

export interface Pipe {
  readonly reader: number;
  readonly writer: number;
  /** Bytes that are in it. */
  held: number;
}

/** The calls about pipes, of one thread. */
export class PipeCalls {
  readonly #calls: SystemCalls = systemCalls();
  readonly #errno = lastErrno();
  readonly #ends = Buffer.from(new ArrayBuffer(8));
  readonly #endsAddress = addressOf(this.#ends);

  /** @throws KernelError EMFILE, ENFILE */
  open(): Pipe {
    if (this.#calls.pipe2(this.#endsAddress, O_NONBLOCK_CLOEXEC) < 0)
      throw new KernelError('open pipe', errnoName(this.#errno()));
    const pipe = { reader: this.#ends.readInt32LE(0), writer: this.#ends.readInt32LE(4), held: 0 };
    // Refused beyond fs.pipe-user-pages-soft, without CAP_SYS_RESOURCE: then it stays at 64 KiB.
    (this.#calls.fcntl as (...parameters: unknown[]) => number)(pipe.writer, F_SETPIPE_SZ, 'int', pipeBytes);
    return pipe;
  }

  /** Moves what `socket` has received into an empty pipe. @returns bytes, 0 at the end of the stream, or the negative errno */
  fill(pipe: Pipe, socket: number): number {
    const moved = this.#calls.splice(socket, 0, pipe.writer, 0, pipeBytes, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (moved < 0) return -this.#errno();
    pipe.held += moved;
    return moved;
  }

  /** Moves what is in the pipe to `socket`. @returns bytes, or the negative errno */
  drain(pipe: Pipe, socket: number): number {
    const moved = this.#calls.splice(pipe.reader, 0, socket, 0, pipe.held, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (moved < 0) return -this.#errno();
    pipe.held -= moved;
    return moved;
  }
}
