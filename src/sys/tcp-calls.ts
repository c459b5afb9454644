/**
 * TCP sockets for a loop that carries thousands of connections: descriptors in, numbers out. Failure is the negative errno.
 *
 * @see tcp(7), accept(2), connect(2)
 */
import type { Family } from '../values/address.ts';
import { familyOf } from './peer-family.ts';
import { addressOf, EINPROGRESS, lastErrno, type SystemCalls, systemCalls } from './system-calls.ts';
import { StreamOptions } from './tcp-options.ts';

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK_CLOEXEC = 0o2004000;
const MSG_DONTWAIT_NOSIGNAL = 0x4040;
const SHUT_WR = 1;

/** What a loop shares for all its connections: one buffer, in which nothing is left behind. */
export const bufferBytes = 65_536;

/** struct sockaddr_in6. */
const nameBytes = 28;

export class StreamCalls {
  readonly #calls: SystemCalls = systemCalls();
  readonly #errno = lastErrno();
  readonly #memory = Buffer.from(new ArrayBuffer(bufferBytes));
  readonly #buffer = addressOf(this.#memory);
  /** Who was accepted last, and behind it how long the name may be. */
  readonly #name = Buffer.from(new ArrayBuffer(nameBytes + 4));
  readonly #nameAddress = addressOf(this.#name);
  readonly #options: StreamOptions;

  /** @param synRetries how often a connection is tried again before it counts as failed: after 1 s, 2 s, 4 s and so on */
  constructor(synRetries: number) {
    this.#options = new StreamOptions(synRetries);
  }

  /** @returns the connection's descriptor */
  accept(listener: number): number {
    this.#name.writeUInt32LE(nameBytes, nameBytes);
    const fd = this.#calls.accept4(listener, this.#nameAddress, this.#nameAddress + nameBytes, SOCK_NONBLOCK_CLOEXEC);
    return fd < 0 ? -this.#errno() : fd;
  }

  /** By which family it came that was accepted last. */
  get family(): Family {
    return familyOf(this.#name);
  }

  /** @returns a new socket of the family of a socket name */
  open(name: Uint8Array): number {
    const family = name.length === 16 ? AF_INET : AF_INET6;
    const fd = this.#calls.socket(family, SOCK_STREAM | SOCK_NONBLOCK_CLOEXEC, 0);
    return fd < 0 ? -this.#errno() : fd;
  }

  /** Begins a connection to the socket name at `address`. @returns 0 when it has begun */
  connect(fd: number, address: number, length: number): number {
    this.#options.prepare(fd);
    this.#options.limitTries(fd);
    if (this.#calls.connect(fd, address, length) === 0) return 0;
    const errno = this.#errno();
    return errno === EINPROGRESS ? 0 : -errno;
  }

  /** Into the buffer. @returns bytes, 0 at the end of the stream */
  receive(fd: number): number {
    const length = this.#calls.recv(fd, this.#buffer, bufferBytes, MSG_DONTWAIT_NOSIGNAL);
    return length < 0 ? -this.#errno() : length;
  }

  /** The first `length` bytes of the buffer. @returns how many of them were taken */
  send(fd: number, length: number): number {
    return this.sendFrom(fd, this.#buffer, length);
  }

  /** @param address of memory that is somewhere else */
  sendFrom(fd: number, address: number, length: number): number {
    const sent = this.#calls.send(fd, address, length, MSG_DONTWAIT_NOSIGNAL);
    return sent < 0 ? -this.#errno() : sent;
  }

  /** The bytes of the buffer between the two places, in memory of their own. */
  copy(from: number, to: number): Buffer {
    const bytes = Buffer.from(new ArrayBuffer(to - from));
    this.#memory.copy(bytes, 0, from, to);
    return bytes;
  }

  /** FIN, behind all that was sent. @returns 0 */
  finish(fd: number): number {
    return this.#calls.shutdown(fd, SHUT_WR) < 0 ? -this.#errno() : 0;
  }

  /** Closing becomes RST, and what waits to be sent is dropped. */
  abortOnClose(fd: number): void {
    this.#options.abortOnClose(fd);
  }
}
