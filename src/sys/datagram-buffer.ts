/**
 * recvmsg(2) and sendmsg(2) for datagrams that must be answered from the address at which they were asked.
 *
 * A socket bound to 0.0.0.0 hears what was sent to 127.0.0.2 and to 203.0.113.1. An answer by plain send(2) would leave
 * with the address that the route suggests, and a client that asked 127.0.0.2 would not take it. So the kernel is asked
 * to say with each datagram where it arrived (a control message, in_pktinfo), and is told the same with the answer.
 *
 * One piece of memory holds the header, the names and the payload at fixed places. Nothing is allocated or converted
 * per datagram: the kernel writes where the last one stood.
 *
 * @see ip(7) IP_PKTINFO, ipv6(7) IPV6_PKTINFO, cmsg(3); struct msghdr of the 64-bit ABIs
 */
import { KernelError } from '../values/errors.ts';
import { errnoName, libc } from './libc.ts';
import { header, packetInformation } from './message-header.ts';

/** The largest UDP payload is 65,507 bytes over IPv4, 65,527 over IPv6. */
const PAYLOAD_SIZE = 65536;
const NAME_SIZE = 28;
/** Of a socket that speaks both families, datagrams of IPv4 have a control message of either. */
const CONTROL_SIZE = 72;
const MSG_DONTWAIT = 0x40;
const AF_INET = 2;

/** Where the parts stand in the memory: struct msghdr, struct iovec, sockaddr, control message, payload. */
const at = { header: 0, vector: 56, name: 72, control: 104, payload: 176 } as const;
/** The way back to a client: its address and port, and the address of ours that it asked, as the kernel writes both. */
export interface ReturnPath {
  readonly name: Buffer;
  readonly control: Buffer;
}

/**
 * Errors that are ours. Every other one is the network's (an ICMP message has become an errno, a queue is full, a rule of
 * the firewall said no), and means that one datagram got lost, as datagrams do. Also EDESTADDRREQ: who rules the namespace of a
 * connected socket can take its peer from it (SOCK_DESTROY, sock_diag(7)).
 */
const mistakes = new Set(['EBADF', 'EFAULT', 'ENOTSOCK']);

export class DatagramBuffer {
  readonly #memory = Buffer.from(new ArrayBuffer(at.payload + PAYLOAD_SIZE));
  /** The bytes of the datagram last received, and those of the next one to be sent. */
  readonly payload = this.#memory.subarray(at.payload);
  #failure: string | undefined;
  readonly #header: bigint;
  readonly #payload: bigint;
  readonly #recvmsg = libc().function('long recvmsg(int fd, void *message, int flags)');
  readonly #sendmsg = libc().function('long sendmsg(int fd, void *message, int flags)');
  readonly #recv = libc().function('long recv(int fd, void *buffer, size_t length, int flags)');
  readonly #send = libc().function('long send(int fd, void *buffer, size_t length, int flags)');

  constructor() {
    const base = libc().koffi.address(this.#memory);
    this.#header = base + BigInt(at.header);
    this.#payload = base + BigInt(at.payload);
    this.#memory.writeBigUInt64LE(base + BigInt(at.name), header.name);
    this.#memory.writeBigUInt64LE(base + BigInt(at.vector), header.vector);
    this.#memory.writeBigUInt64LE(1n, header.vectorCount);
    this.#memory.writeBigUInt64LE(base + BigInt(at.control), header.control);
    this.#memory.writeBigUInt64LE(this.#payload, at.vector);
  }

  /** One datagram from anybody into the buffer: its length, or undefined when there is none. */
  receiveFrom(fd: number): number | undefined {
    this.#lengths(NAME_SIZE, CONTROL_SIZE, PAYLOAD_SIZE);
    const length = this.#recvmsg(fd, this.#header, MSG_DONTWAIT);
    if (length < 0) return this.#failed('receive datagram');
    this.#normalise();
    return length;
  }

  /** One datagram from the connected peer into the buffer: its length, or undefined when there is none. */
  receive(fd: number): number | undefined {
    const length = this.#recv(fd, this.#payload, PAYLOAD_SIZE, MSG_DONTWAIT);
    return length < 0 ? this.#failed('receive datagram') : length;
  }

  /** Sends the first `length` bytes of the buffer to the connected peer. False: it got lost. */
  send(fd: number, length: number): boolean {
    const sent = this.#send(fd, this.#payload, length, MSG_DONTWAIT);
    return sent >= 0 || this.#failed('send datagram') !== undefined;
  }

  /** Sends the first `length` bytes of the buffer back along `path`. False: it got lost. */
  sendBack(fd: number, length: number, path: ReturnPath): boolean {
    this.#memory.set(path.name, at.name);
    this.#memory.set(path.control, at.control);
    return this.#sendTo(fd, length, path.name.length, path.control.length);
  }

  /**
   * Sends the first `length` bytes of the buffer to whoever sent the datagram last received from anybody. False: it got
   * lost.
   */
  reply(fd: number, length: number): boolean {
    const nameLength = this.#memory.readUInt32LE(header.nameLength);
    const controlLength = this.#memory.readUInt32LE(header.controlLength);
    return this.#sendTo(fd, length, nameLength, controlLength);
  }

  #sendTo(fd: number, length: number, nameLength: number, controlLength: number): boolean {
    this.#lengths(nameLength, controlLength, length);
    const sent = this.#sendmsg(fd, this.#header, MSG_DONTWAIT);
    return sent >= 0 || this.#failed('send datagram') !== undefined;
  }

  /** Why the last attempt failed; undefined where there was nothing to receive, or no room to send. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** The way back for the datagram last received from anybody, in memory of its own. */
  returnPath(): ReturnPath {
    const { name, control } = this.#written();
    return { name: Buffer.from(name), control: Buffer.from(control) };
  }

  #written(): ReturnPath {
    const nameLength = this.#memory.readUInt32LE(header.nameLength);
    const controlLength = this.#memory.readUInt32LE(header.controlLength);
    return {
      name: this.#memory.subarray(at.name, at.name + nameLength),
      control: this.#memory.subarray(at.control, at.control + controlLength),
    };
  }

  #lengths(name: number, control: number, payload: number): void {
    // The upper halves of the two sizes, which have 64 bits, are always zero.
    this.#memory.writeUInt32LE(name, header.nameLength);
    this.#memory.writeUInt32LE(control, header.controlLength);
    this.#memory.writeUInt32LE(payload, at.vector + 8);
  }

  /**
   * Leaves of the control message what the answer needs: the local address, and no interface, since the way back is the
   * routing table's affair. Only a link-local address means nothing without its interface. `local4` and `header4` differ
   * for a broadcast, which can be asked and can't answer. A socket of both families tells of IPv4 in both ways, and takes
   * the address that may answer in the one of IPv6.
   */
  #normalise(): void {
    if (this.#memory.readUInt32LE(header.controlLength) === 0) return;
    if (this.#memory.readUInt16LE(at.name) === AF_INET) {
      this.#memory.writeUInt32LE(0, at.control + packetInformation.interface4);
      this.#memory.copyWithin(
        at.control + packetInformation.header4,
        at.control + packetInformation.local4,
        at.control + packetInformation.local4 + 4,
      );
      return;
    }
    if (this.#memory.readUInt32LE(header.controlLength) > packetInformation.second) {
      const local4 = at.control + packetInformation.second + packetInformation.local4;
      this.#memory.copyWithin(at.control + packetInformation.address6 + 12, local4, local4 + 4);
      this.#memory.writeUInt32LE(packetInformation.second, header.controlLength);
    }
    const linkLocal = (this.#memory.readUInt16BE(at.control + packetInformation.address6) & 0xffc0) === 0xfe80;
    if (!linkLocal) this.#memory.writeUInt32LE(0, at.control + packetInformation.interface6);
  }

  #failed(operation: string): undefined {
    const errno = errnoName(libc().koffi.errno());
    this.#failure = errno === 'EAGAIN' ? undefined : errno;
    if (mistakes.has(errno)) throw new KernelError(operation, errno);
    return undefined;
  }
}
