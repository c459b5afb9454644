/**
 * Options of SCTP sockets that are set for every association.
 *
 * What every association of a listener shall have is set once, on the listener: those that it accepts have it, too.
 *
 * @see RFC 6458, section 8; linux/sctp.h
 */
import { PreparedOptions, words } from './prepared-options.ts';

const SOL_SOCKET = 1;
const IPPROTO_SCTP = 132;
const SCTP_ASSOC_CHANGE = 0x8001;

/** Streams that are offered to who asks: enough for an answer in the stream of the question. */
const offeredStreams = 64;

/**
 * The kernel doubles it. With its own 208 KiB a packet as large as loopback takes leaves no room for the next one, which is
 * dropped, and comes again after a second.
 */
const receiveBufferBytes = 1 << 20;

/** As TCP has it, in place of 3 s: a container is not far away. */
const firstTimeoutMilliseconds = 1000;

/** @param initRetries how often an association is tried again before it counts as failed: after 1 s, 2 s, 4 s and so on */
function prepared(initRetries: number) {
  // struct sctp_initmsg { u16 streams out, most streams in, attempts, longest timeout }; 0 is as it is anyway.
  const initialMessage = words(0, 0);
  initialMessage.writeUInt16LE(initRetries, 4);
  // struct sctp_event { s32 association; u16 type; u8 on }
  const event = words(0, SCTP_ASSOC_CHANGE | (1 << 16));
  return new PreparedOptions({
    noDelay: [IPPROTO_SCTP, 3, words(1)],
    receiveInformation: [IPPROTO_SCTP, 32, words(1)],
    initialMessage: [IPPROTO_SCTP, 2, initialMessage],
    // struct sctp_rtoinfo { s32 association; u32 first, longest, shortest }
    retransmission: [IPPROTO_SCTP, 0, words(0, firstTimeoutMilliseconds, 0, 0)],
    event: [IPPROTO_SCTP, 127, event],
    receiveBuffer: [SOL_SOCKET, 33, words(receiveBufferBytes)],
    // struct linger { int on; int seconds }
    linger: [SOL_SOCKET, 13, words(1, 0)],
  });
}

export class MessageOptions {
  readonly #options: ReturnType<typeof prepared>;

  constructor(initRetries: number) {
    this.#options = prepared(initRetries);
  }

  /** Nothing waits for more to be sent, each message comes with its stream, there is room for several, and an end is told. */
  prepare(fd: number): void {
    this.#options.set(fd, 'noDelay', 'receiveInformation', 'receiveBuffer', 'event');
    this.#offer(fd, offeredStreams);
  }

  /** Of one that will connect: how many streams it asks for, and how often it tries. */
  limit(fd: number, streams: number): void {
    this.#offer(fd, streams);
    this.#options.set(fd, 'retransmission');
  }

  /** Closing becomes ABORT, and what waits to be sent is dropped. */
  abortOnClose(fd: number): void {
    this.#options.set(fd, 'linger');
  }

  #offer(fd: number, streams: number): void {
    const [, , initialMessage] = this.#options.rows.initialMessage;
    initialMessage.writeUInt16LE(streams, 0);
    this.#options.set(fd, 'initialMessage');
  }
}
