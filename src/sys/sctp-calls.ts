/**
 * SCTP sockets, of one association each, for a loop that carries many: descriptors in, numbers out. Failure is the negative errno.
 *
 * What comes is messages, each in a stream, in order with others of that stream or not, and with a number that says to the two
 * ends what it is (PPID). That is its label, which the kernel tells beside each message and takes with each:
 *
 *     recvmsg: payload, control { sctp_rcvinfo } ──> label ──> sendmsg: payload, control { sctp_sndinfo }
 *
 * A message is sent as a whole or not at all. It may come in pieces, of which the last one has MSG_EOR. Between them the kernel
 * tells what becomes of the association (MSG_NOTIFICATION): that it has ended, who has said SHUTDOWN himself hears in no other way.
 *
 * @see RFC 6458, sections 4 and 5.3; linux/sctp.h; message-header.ts
 */
import { header, writePointer } from './message-header.ts';
import { MessageOptions } from './sctp-options.ts';
import { addressOf, ECONNRESET, EINPROGRESS, lastErrno, type SystemCalls, systemCalls } from './system-calls.ts';

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK_CLOEXEC = 0o2004000;
const IPPROTO_SCTP = 132;
const MSG_DONTWAIT_NOSIGNAL = 0x4040;
const MSG_EOR = 0x80;
const MSG_NOTIFICATION = 0x8000;
const SCTP_COMM_LOST = 1;
const SCTP_SHUTDOWN_COMP = 3;
const SHUT_WR = 1;
const SCTP_STATUS = 14;
const SCTP_SNDINFO = 2;
const SCTP_RCVINFO = 3;
const SCTP_UNORDERED = 1;

/** What a loop shares for all its associations. */
const payloadBytes = 65_536;
const nameBytes = 28;
const statusBytes = 176;

/** Fields of struct cmsghdr and of what is in it: sctp_rcvinfo has 28 bytes, sctp_sndinfo 16. */
const control = {
  length: 0,
  level: 8,
  type: 12,
  stream: 16,
  receiveFlags: 20,
  sendFlags: 18,
  receiveKind: 24,
  sendKind: 20,
};
const receiveControlBytes = 48;
const sendControlBytes = 32;
/** In struct sctp_status: how many streams come in. */
const streamsIn = 16;
/** In struct sctp_assoc_change: what became of the association. */
const newState = 8;

const at = {
  receive: 0,
  receiveVector: 56,
  receiveControl: 72,
  send: 120,
  sendVector: 176,
  sendControl: 192,
  /** A socket's name and, behind it, how long it may be. */
  name: 224,
  status: 256,
  payload: 448,
} as const;

/** What a message is marked with. */
export interface Label {
  readonly stream: number;
  readonly unordered: boolean;
  /** As it was sent: nobody on the way reads it. */
  readonly kind: number;
}

export class MessageCalls {
  readonly #calls: SystemCalls = systemCalls();
  readonly #errno = lastErrno();
  readonly #memory = Buffer.from(new ArrayBuffer(at.payload + payloadBytes));
  readonly #view = new DataView(this.#memory.buffer);
  readonly #base = addressOf(this.#memory);
  readonly #options: MessageOptions;
  #whole = false;

  /** @param initRetries as MessageOptions has it */
  constructor(initRetries: number) {
    this.#options = new MessageOptions(initRetries);
    this.#furnish(at.receive, at.receiveVector, at.receiveControl);
    this.#furnish(at.send, at.sendVector, at.sendControl);
    writePointer(this.#view, at.receiveVector, this.#base + at.payload);
    this.#view.setUint32(at.receiveVector + 8, payloadBytes, true);
    this.#view.setUint32(at.send + header.controlLength, sendControlBytes, true);
    this.#view.setUint32(at.sendControl + control.length, sendControlBytes, true);
    this.#view.setUint32(at.sendControl + control.level, IPPROTO_SCTP, true);
    this.#view.setUint32(at.sendControl + control.type, SCTP_SNDINFO, true);
  }

  /**
   * @param name where it will connect to, for its family
   * @param client whose streams it will have
   * @returns a new socket
   */
  open(name: Uint8Array, client: number): number {
    const family = name.length === 16 ? AF_INET : AF_INET6;
    const fd = this.#calls.socket(family, SOCK_STREAM | SOCK_NONBLOCK_CLOEXEC, IPPROTO_SCTP);
    if (fd < 0) return -this.#errno();
    this.#options.prepare(fd);
    this.#options.limit(fd, this.#streamsOf(client));
    return fd;
  }

  /**
   * Begins an association with the socket name at `address`, from the machine's one address on the way there: it would tell the
   * other end of all that the machine has, for use when this one fails.
   *
   * @returns 0 when it has begun
   */
  connect(fd: number, address: number, length: number): number {
    const bound = this.#bindTowards(fd, address, length);
    if (bound < 0) return bound;
    if (this.#calls.connect(fd, address, length) === 0) return 0;
    const errno = this.#errno();
    return errno === EINPROGRESS ? 0 : -errno;
  }

  /** Into the buffer, and its label. @returns bytes of a message, or of a piece; 0 when the other end has ended it */
  receive(fd: number): number {
    for (;;) {
      this.#view.setUint32(at.receive + header.controlLength, receiveControlBytes, true);
      const length = this.#calls.recvmsg(fd, this.#base + at.receive, MSG_DONTWAIT_NOSIGNAL);
      if (length < 0) return -this.#errno();
      const flags = this.#view.getUint32(at.receive + header.flags, true);
      this.#whole = (flags & MSG_EOR) !== 0;
      if ((flags & MSG_NOTIFICATION) === 0) return length;
      const state = this.#view.getUint16(at.payload + newState, true);
      if (state === SCTP_SHUTDOWN_COMP) return 0;
      // Of one that was broken off before it was accepted the socket has no error: its end would look like an orderly one.
      if (state === SCTP_COMM_LOST) return -ECONNRESET;
    }
  }

  /** Was what was received last a message, or the last piece of one? */
  get whole(): boolean {
    return this.#whole;
  }

  /** Of what was received last. One that came before it was asked to be told has none. */
  label(): Label {
    const isTold =
      this.#view.getUint32(at.receive + header.controlLength, true) > 0 &&
      this.#view.getUint32(at.receiveControl + control.type, true) === SCTP_RCVINFO;
    if (!isTold) return { stream: 0, unordered: false, kind: 0 };
    const flags = this.#view.getUint16(at.receiveControl + control.receiveFlags, true);
    return {
      stream: this.#view.getUint16(at.receiveControl + control.stream, true),
      unordered: (flags & SCTP_UNORDERED) !== 0,
      kind: this.#view.getUint32(at.receiveControl + control.receiveKind, true),
    };
  }

  /** The first `length` bytes of the buffer, as a message. @returns how many they were */
  send(fd: number, length: number, label: Label): number {
    return this.sendFrom(fd, this.#base + at.payload, length, label);
  }

  /** @param address of memory that is somewhere else */
  sendFrom(fd: number, address: number, length: number, { stream, unordered, kind }: Label): number {
    writePointer(this.#view, at.sendVector, address);
    this.#view.setUint32(at.sendVector + 8, length, true);
    this.#view.setUint16(at.sendControl + control.stream, stream, true);
    this.#view.setUint16(at.sendControl + control.sendFlags, unordered ? SCTP_UNORDERED : 0, true);
    this.#view.setUint32(at.sendControl + control.sendKind, kind, true);
    const sent = this.#calls.sendmsg(fd, this.#base + at.send, MSG_DONTWAIT_NOSIGNAL);
    return sent < 0 ? -this.#errno() : sent;
  }

  /** The first bytes of the buffer, in memory of their own. */
  copy(length: number): Buffer {
    const bytes = Buffer.from(new ArrayBuffer(length));
    this.copyTo(bytes, 0, length);
    return bytes;
  }

  /** The same, to a place in memory that is there. */
  copyTo(memory: Buffer, place: number, length: number): void {
    this.#memory.copy(memory, place, at.payload, at.payload + length);
  }

  /** SHUTDOWN, behind all that was sent: nobody sends after it, in either direction. @returns 0 */
  finish(fd: number): number {
    return this.#calls.shutdown(fd, SHUT_WR) < 0 ? -this.#errno() : 0;
  }

  /** How many streams the other end sends in; none where it has gone. */
  #streamsOf(fd: number): number {
    this.#view.setUint32(at.name, statusBytes, true);
    const asked = this.#calls.getsockopt(fd, IPPROTO_SCTP, SCTP_STATUS, this.#base + at.status, this.#base + at.name);
    return asked < 0 ? 0 : this.#view.getUint16(at.status + streamsIn, true);
  }

  /** Where a datagram to there would come from. */
  #bindTowards(fd: number, address: number, length: number): number {
    const family = length === 16 ? AF_INET : AF_INET6;
    const guide = this.#calls.socket(family, SOCK_DGRAM | SOCK_NONBLOCK_CLOEXEC, 0);
    if (guide < 0) return -this.#errno();
    this.#view.setUint32(at.name + nameBytes, nameBytes, true);
    const name = this.#base + at.name;
    const found =
      this.#calls.connect(guide, address, length) === 0 && this.#calls.getsockname(guide, name, name + nameBytes) === 0;
    // Any port will do.
    this.#view.setUint16(at.name + 2, 0);
    const result = found && this.#calls.bind(fd, name, length) === 0 ? 0 : -this.#errno();
    this.#calls.close(guide);
    return result;
  }

  #furnish(message: number, vector: number, controls: number): void {
    writePointer(this.#view, message + header.vector, this.#base + vector);
    this.#view.setUint32(message + header.vectorCount, 1, true);
    writePointer(this.#view, message + header.control, this.#base + controls);
  }
}
