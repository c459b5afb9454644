/**
 * A client of a Unix socket of kind SOCK_SEQPACKET: a connection, as with a stream, that keeps packets apart.
 *
 * conmon speaks it on its attach socket, and Node has no word for it. One read(2) gives exactly one packet, so packets
 * are taken as the loop reads them, each in a buffer that is never joined with the next.
 *
 * Two descriptors lead to the one connection, one for each direction. A failed write makes Node drop the stream that it
 * was written to: with a single stream, a key pressed while the other side goes away would lose the output that is
 * still waiting to be read.
 *
 * @see unix(7), SOCK_SEQPACKET in socket(2)
 */
import { closeSync, constants, openSync, readSync } from 'node:fs';
import type { Socket } from 'node:net';
import { basename, dirname } from 'node:path';
import { hasErrno, ignoring } from '../values/errors.ts';
import { adoptDescriptor } from './adopted-descriptor.ts';
import { call } from './libc.ts';
import { AF_UNIX, unixAddress } from './unix-address.ts';

const SOCK_SEQPACKET = 5;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;

/** Larger than any packet that conmon sends (8 KiB); a longer packet would lose its end. */
const LARGEST_PACKET = 65_536;

/** So many packets wait for a slow reader here; then the kernel's buffer fills, then the other side waits. */
const MOST_WAITING = 16;

/** Packets from the other side and packets to it. */
export class SequencedSocket {
  readonly #fd: number;
  readonly #reader: Socket;
  readonly #writer: Socket;
  readonly #waiting: Buffer[] = [];
  #failure: Error | undefined;
  #ended = false;
  #closed = false;
  #wake: () => void = () => {};

  private constructor(fd: number) {
    this.#fd = fd;
    this.#reader = adoptDescriptor(fd, {
      buffer: Buffer.allocUnsafe(LARGEST_PACKET),
      callback: (length, buffer) => this.#arrived(Buffer.from(buffer.subarray(0, length))),
    });
    this.#reader.once('end', () => this.#end());
    this.#reader.once('error', (error) => this.#end(error));
    this.#writer = adoptDescriptor(fd);
    this.#writer.on('error', () => this.#writer.destroy());
  }

  /**
   * Connects to a listening socket by its file. Paths of any length: the kernel sees only the last component.
   *
   *     socat - UNIX-CONNECT:PATH,type=5
   *
   * @throws KernelError ECONNREFUSED if nobody listens any more, EAGAIN if too many wait already
   * @throws Error ENOENT if the directory is gone
   */
  static connect(path: string): SequencedSocket {
    const flags = SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC;
    const fd = call('open a socket', 'int socket(int, int, int)', AF_UNIX, flags, 0);
    try {
      const directory = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
      try {
        const address = unixAddress(`/proc/self/fd/${directory}/${basename(path)}`);
        call(`connect to ${path}`, 'int connect(int, const void *, unsigned int)', fd, address, address.length);
      } finally {
        closeSync(directory);
      }
      return new SequencedSocket(fd);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  /** The packets as they come, until the other side closes. Breaking off the loop closes the connection. */
  async *packets(): AsyncGenerator<Buffer, void, undefined> {
    try {
      for (;;) {
        const packet = this.#waiting.shift();
        if (packet !== undefined) yield packet;
        else if (this.#failure !== undefined) throw this.#failure;
        else if (this.#ended) return;
        else await this.#more();
      }
    } finally {
      this.close();
    }
  }

  /**
   * Sends one packet, and waits while the other side is not ready for it.
   *
   * @returns false if the other side is gone
   */
  send(packet: Buffer): Promise<boolean> {
    if (this.#writer.destroyed || this.#writer.writableEnded) return Promise.resolve(false);
    return new Promise((resolve) => this.#writer.write(packet, (error) => resolve(error == null)));
  }

  /** shutdown(2) of our direction: the other side reads an end. */
  endSending(): void {
    if (!this.#writer.destroyed) this.#writer.end();
  }

  /** Ends the connection; `packets()` ends, and the process may. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#ended = true;
    this.#reader.destroy();
    this.#writer.destroy();
    closeSync(this.#fd);
    this.#wake();
  }

  #arrived(packet: Buffer): boolean {
    this.#waiting.push(packet);
    this.#wake();
    return this.#waiting.length < MOST_WAITING;
  }

  /**
   * The other side has hung up. libuv takes a read that does not fill its buffer, together with the hang-up, for the
   * end of a stream; here each packet is such a read, and more of them may wait in the kernel.
   */
  #end(error?: Error): void {
    if (this.#closed) return;
    if (error !== undefined && !hasErrno(error, 'ECONNRESET')) this.#failure = error;
    if (this.#failure === undefined) this.#drain();
    this.#ended = true;
    this.#wake();
  }

  #drain(): void {
    const buffer = Buffer.allocUnsafe(LARGEST_PACKET);
    const read = () => ignoring(['EAGAIN', 'ECONNRESET'], () => readSync(this.#fd, buffer)) ?? 0;
    for (let length = read(); length > 0; length = read()) this.#waiting.push(Buffer.from(buffer.subarray(0, length)));
  }

  async #more(): Promise<void> {
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#reader.resume();
    await woken;
  }
}
