/**
 * Internet sockets by their file descriptors, for what Node's `net` and `dgram` can't be asked: to bind without
 * listening, to hold a port while nobody is let in, and to see at which address a datagram arrived.
 *
 * Everything is synchronous. A descriptor of this file is either closed by `closeSocket` or handed over to Node
 * (`server.listen({fd})`), which closes it from then on.
 *
 * @see socket(7), ip(7), ipv6(7), tcp(7), udp(7)
 */
import { closeSync } from 'node:fs';
import { type Address, type Family, fromBytes, toBytes } from '../values/address.ts';
import { protocolNumbers } from '../values/port.ts';
import { call, errnoName } from './libc.ts';
import { AF_UNIX } from './unix-address.ts';

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_RAW = 3;
const IPPROTO_ICMP = 1;
const IPPROTO_ICMPV6 = 58;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;

/** Level and number of each option, as setsockopt(2) takes them: linux/in.h, linux/in6.h, asm-generic/socket.h. */
const options = {
  reuseAddress: [1, 2],
  error: [1, 4],
  listens: [1, 30],
  protocol: [1, 38],
  domain: [1, 39],
  packetInformation: [0, 8],
  packetInformation6: [41, 49],
  unreachable: [0, 11],
  unreachable6: [41, 25],
  onlyIpv6: [41, 26],
  linger: [1, 13],
  receiveBuffer: [1, 33],
  mark: [1, 36],
  transparent: [0, 19],
  transparent6: [41, 75],
  chooseAtConnect: [0, 24],
  everyGroup: [0, 49],
  memory: [1, 55],
} as const;

const prototypes = {
  socket: 'int socket(int family, int type, int protocol)',
  getsockopt: 'int getsockopt(int fd, int level, int option, void *value, void *length)',
  setsockopt: 'int setsockopt(int fd, int level, int option, const void *value, uint32_t length)',
  bind: 'int bind(int fd, const void *address, uint32_t length)',
  connect: 'int connect(int fd, const void *address, uint32_t length)',
  listen: 'int listen(int fd, int backlog)',
  getpeername: 'int getpeername(int fd, void *address, void *length)',
  getsockname: 'int getsockname(int fd, void *address, void *length)',
  dup3: 'int dup3(int from, int to, int flags)',
} as const;

/** The longest queue of connections to be accepted: the kernel cuts it down to net.core.somaxconn. */
export const longestBacklog = 0x7fffffff;

/** Of an address of IPv6 with its port, in bytes. */
const longestName = 28;

/** An address with its port: what a socket is bound or connected to. */
export interface Endpoint {
  readonly address: Address;
  readonly port: number;
}

/**
 * What a socket speaks. Those of one family are kept apart (IPV6_V6ONLY), so that `::` and `0.0.0.0` may be bound side by side.
 * One of both is bound to `::`, and 0.0.0.0 with it.
 */
export type Spoken = Family | 'both';

/**
 * A stream socket that may be bound although connections of an earlier listener still linger (SO_REUSEADDR). One of SCTP is one
 * association, as one of TCP is one connection; the kernel loads the module for the first, if it has one.
 *
 * @throws KernelError EAFNOSUPPORT where the kernel has no IPv6, EPROTONOSUPPORT where it has no SCTP, EMFILE
 */
export function openStream(spoken: Spoken, protocol: 'tcp' | 'sctp' = 'tcp'): number {
  return open(spoken, SOCK_STREAM, ['reuseAddress'], protocolNumbers[protocol]);
}

/**
 * A datagram socket that tells at which address each datagram arrived (IP_PKTINFO). It is never bound beside another
 * one: with SO_REUSEADDR a second UDP socket would take the port over, without an error for either.
 *
 * @throws KernelError EAFNOSUPPORT where the kernel has no IPv6, EMFILE
 */
export function openDatagram(spoken: Spoken): number {
  return open(spoken, SOCK_DGRAM, informationOn[spoken]);
}

/**
 * Of a datagram of IPv4 that came to a socket of both, only IPv4's own tells which address may answer: a broadcast may not.
 * And what is said to all (224.0.0.1) a socket of IPv4 hears unasked, one of both only by IP_MULTICAST_ALL.
 */
const informationOn = {
  4: ['packetInformation'],
  6: ['packetInformation6'],
  both: ['packetInformation6', 'packetInformation', 'everyGroup'],
} as const;

/** A raw socket for ICMP, whole messages in both directions. @throws KernelError EPERM without CAP_NET_RAW */
export function openEcho(family: Family): number {
  return open(family, SOCK_RAW, [], family === 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
}

function open(spoken: Spoken, type: number, wanted: readonly (keyof typeof options)[], protocol = 0): number {
  const domain = spoken === 4 ? AF_INET : AF_INET6;
  const fd = call('open socket', prototypes.socket, domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
  try {
    // Said either way: what holds for who says nothing is the machine's to choose (net.ipv6.bindv6only). A raw socket is
    // bound to its protocol from the beginning, and is of one family.
    if (domain === AF_INET6 && type !== SOCK_RAW) setOption(fd, 'onlyIpv6', spoken === 6 ? 1 : 0);
    for (const name of wanted) setOption(fd, name);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return fd;
}

/** @throws KernelError EADDRINUSE, EADDRNOTAVAIL if the host has no such address, EACCES below port 1024 */
export function bind(fd: number, endpoint: Endpoint): void {
  const name = encodeEndpoint(endpoint);
  call('bind', prototypes.bind, fd, name, name.length);
}

/** A datagram socket that is connected hears only this peer, and learns of its port unreachable. */
export function connect(fd: number, endpoint: Endpoint): void {
  const name = encodeEndpoint(endpoint);
  call('connect', prototypes.connect, fd, name, name.length);
}

/**
 * The socket will connect from an address that this machine need not have, and from whichever port of it is free (IP_TRANSPARENT,
 * IP_BIND_ADDRESS_NO_PORT). What is answered there has to be led here by whoever routes it; the mark tells it.
 *
 * @throws KernelError EPERM without CAP_NET_ADMIN
 */
export function appearAs(fd: number, address: Address, mark: number): void {
  setOption(fd, address.family === 4 ? 'transparent' : 'transparent6');
  setOption(fd, 'mark', mark);
  setOption(fd, 'chooseAtConnect');
  bind(fd, { address, port: 0 });
}

/**
 * Every ICMP message about a datagram becomes an error of its socket, also "host unreachable", which is else kept from
 * it as something that may pass (IP_RECVERR).
 *
 * The first receive or send after it fails by it. The message itself waits in a queue that nobody here reads, so that whoever
 * watches the socket is told of it until it is closed: who meets an error has to end.
 */
export function reportUnreachable(fd: number, family: Family): void {
  setOption(fd, family === 4 ? 'unreachable' : 'unreachable6');
}

/**
 * How much may wait to be received, whatever net.core.rmem_max says (SO_RCVBUFFORCE). The kernel doubles it and counts what
 * a datagram costs itself, some 800 bytes for a small one; nothing is taken before something waits.
 *
 * @throws KernelError EPERM without CAP_NET_ADMIN
 */
export function widenReceiveBuffer(fd: number, bytes: number): void {
  setOption(fd, 'receiveBuffer', bytes);
}

/**
 * Each packet that it sends bears this firewall mark, as long as it stays in the socket's network namespace (SO_MARK).
 *
 * @throws KernelError EPERM without CAP_NET_ADMIN
 */
export function markPackets(fd: number, mark: number): void {
  setOption(fd, 'mark', mark);
}

/** For this folder: what a socket is made to do has a function of its own. */
export function setOption(fd: number, name: keyof typeof options, value = 1): void {
  const [level, option] = options[name];
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32LE(value);
  call(`set socket option ${name}`, prototypes.setsockopt, fd, level, option, bytes, bytes.length);
}

/** The same for what is asked of it. */
export function getOption(fd: number, name: keyof typeof options): number {
  const [level, option] = options[name];
  const value = Buffer.allocUnsafe(4);
  call(`get socket option ${name}`, prototypes.getsockopt, fd, level, option, value, Uint8Array.of(4, 0, 0, 0));
  return value.readInt32LE();
}

/**
 * @param backlog how many connections may wait to be accepted
 * @throws KernelError EADDRINUSE if another socket listens at an address that overlaps
 */
export function listen(fd: number, backlog: number): void {
  call('listen', prototypes.listen, fd, backlog);
}

/**
 * The error that the kernel holds ready for the next operation on this socket, which is taken away by asking
 * (SO_ERROR): `ECONNRESET`. Undefined when there is none.
 */
export function takeError(fd: number): string | undefined {
  const errno = getOption(fd, 'error');
  return errno === 0 ? undefined : errnoName(errno);
}

/** Not any more, where whoever rules the namespace has destroyed it (SO_ACCEPTCONN; `ss -K`). */
export function isListening(fd: number): boolean {
  return getOption(fd, 'listens') === 1;
}

/**
 * What the kernel has dropped of what came for this socket, since it was opened: datagrams that its queue had no room for, of a
 * listener connections (SO_MEMINFO; SK_MEMINFO_DROPS is the ninth of its numbers). `ss --memory` shows it as `d`.
 */
export function dropped(fd: number): number {
  const values = Buffer.allocUnsafe(36);
  const [level, option] = options.memory;
  call('get socket memory', prototypes.getsockopt, fd, level, option, values, Uint8Array.of(values.length, 0, 0, 0));
  return values.readUInt32LE(32);
}

/** Closing will break the connection off with RST, and drop what waits to be sent (SO_LINGER of no time). */
export function abortOnClose(fd: number): void {
  const [level, option] = options.linger;
  call('set socket option linger', prototypes.setsockopt, fd, level, option, Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0), 8);
}

/** The two ends of a connection. @throws KernelError ENOTCONN where the peer has broken it off */
export function endsOf(fd: number): { readonly peer: Endpoint; readonly own: Endpoint } {
  return {
    peer: endpoint('get peer name', prototypes.getpeername, fd),
    own: endpoint('get socket name', prototypes.getsockname, fd),
  };
}

function endpoint(operation: string, prototype: string, fd: number): Endpoint {
  const name = Buffer.alloc(longestName);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(longestName);
  call(operation, prototype, fd, name, length);
  const isIpv4 = name.readUInt16LE(0) === AF_INET;
  return { address: fromBytes(isIpv4 ? name.subarray(4, 8) : name.subarray(8, 24)), port: name.readUInt16BE(2) };
}

export function closeSocket(fd: number): void {
  closeSync(fd);
}

/**
 * Closes what a descriptor stands for, and keeps its number taken, by a socket that is nothing to anybody (dup3(2)). Another
 * thread that is just using the number meets an error there, and never somebody else's socket.
 *
 * @throws KernelError EMFILE
 */
export function vacate(fd: number): void {
  const nothing = call('open socket', prototypes.socket, AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  try {
    call('vacate descriptor', prototypes.dup3, nothing, fd, SOCK_CLOEXEC);
  } finally {
    closeSync(nothing);
  }
}

/**
 * sockaddr_in (16 bytes) or sockaddr_in6 (28 bytes): the family in host order, the port in network order, and in IPv6
 * the flow label and the scope, both zero.
 */
export function encodeEndpoint(endpoint: Endpoint): Buffer {
  const { address, port } = endpoint;
  const name = Buffer.from(new ArrayBuffer(address.family === 4 ? 16 : longestName));
  name.writeUInt16LE(address.family === 4 ? AF_INET : AF_INET6, 0);
  name.writeUInt16BE(port, 2);
  name.set(toBytes(address), address.family === 4 ? 4 : 8);
  return name;
}
