/**
 * Options of TCP sockets that are set for every connection.
 *
 * What every connection of a listener shall have is set once, on the listener: the kernel copies it to those that it accepts.
 *
 * @see tcp(7), socket(7)
 */
import { PreparedOptions, words } from './prepared-options.ts';

const SOL_SOCKET = 1;
const IPPROTO_TCP = 6;

/** A vanished peer is found out as Go and therefore Docker does: probes after 15 s of silence, 15 s apart. */
const keepAliveSeconds = 15;

function prepared(synRetries: number) {
  return new PreparedOptions({
    noDelay: [IPPROTO_TCP, 1, words(1)],
    keepAlive: [SOL_SOCKET, 9, words(1)],
    idleSeconds: [IPPROTO_TCP, 4, words(keepAliveSeconds)],
    intervalSeconds: [IPPROTO_TCP, 5, words(keepAliveSeconds)],
    synRetries: [IPPROTO_TCP, 7, words(synRetries)],
    // struct linger { int on; int seconds }
    linger: [SOL_SOCKET, 13, words(1, 0)],
  });
}

export class StreamOptions {
  readonly #options: ReturnType<typeof prepared>;

  constructor(synRetries: number) {
    this.#options = prepared(synRetries);
  }

  /** Nothing waits for more to be sent, and whether the peer is there is asked now and then. */
  prepare(fd: number): void {
    this.#options.set(fd, 'noDelay', 'keepAlive', 'idleSeconds', 'intervalSeconds');
  }

  /** How often a connection is tried again before it counts as failed. */
  limitTries(fd: number): void {
    this.#options.set(fd, 'synRetries');
  }

  /** Closing becomes RST, and what waits to be sent is dropped. */
  abortOnClose(fd: number): void {
    this.#options.set(fd, 'linger');
  }
}
