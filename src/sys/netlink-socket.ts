/**
 * A netlink socket: bytes to the kernel and back, synchronously.
 *
 * The kernel carries out a request inside sendmsg(2): when it returns, the work is done and the answers lie in the
 * receive queue. So nothing here waits, and nothing needs a thread. (Libraries that make this asynchronous only move
 * the same wait somewhere else.)
 *
 * @see netlink(7); NETLINK_* and SOL_NETLINK options in linux/netlink.h
 */
import { closeSync } from 'node:fs';
import { ignoring, KernelError } from '../values/errors.ts';
import { call, errnoName, libc } from './libc.ts';

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0x80000;
const SOL_NETLINK = 270;
const MSG_DONTWAIT = 0x40;
/** The length of all of it, however small the buffer is. */
const MSG_TRUNC = 0x20;
const receivePrototype =
  'long recvfrom(int fd, void *buffer, size_t length, int flags, void *address, void *addressLength)';

/** Protocols of the family, as socket(2) takes them. */
export const protocols = { route: 0, socketDiagnosis: 4, netfilter: 12 } as const;

/** Options that turn a netlink socket strict; the kernel's numbers. */
const options = { capAck: 10, extAck: 11, strictCheck: 12 } as const;

const NETLINK_ADD_MEMBERSHIP = 1;

const SOL_SOCKET = 1;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;

const one = Buffer.from([1, 0, 0, 0]);
/**
 * A transaction is one message of this size at most: 10,000 published ports are 1 MiB. So large may be the answers, too: each
 * refusal among them counts for 768 bytes. It is a limit, no memory.
 */
const largestMessage = Buffer.from(Uint32Array.of(16 << 20).buffer);
/** struct sockaddr_nl { u16 family; u16 pad; u32 pid; u32 groups }, of linux/netlink.h. The kernel's pid is 0. */
const kernel = Buffer.from(Uint16Array.of(AF_NETLINK, 0, 0, 0, 0, 0).buffer);
const setsockopt = 'int setsockopt(int fd, int level, int option, const void *value, uint32_t length)';

/**
 * Opens a socket in the network namespace in which the main thread is now, and for ever. It is connected to the kernel: a namespace may
 * be ruled by somebody else, whose messages it does not take then (netlink_getsockbyportid in net/netlink/af_netlink.c).
 *
 * @throws KernelError EMFILE, ENOPROTOOPT before Linux 4.20, which can't be strict
 */
export function openNetlinkSocket(protocol: number): number {
  const fd = call(
    'open netlink socket',
    'int socket(int family, int type, int protocol)',
    AF_NETLINK,
    SOCK_RAW | SOCK_CLOEXEC,
    protocol,
  );
  try {
    for (const option of protocol === protocols.route ? Object.values(options) : [options.capAck, options.extAck]) {
      call('set netlink option', setsockopt, fd, SOL_NETLINK, option, one, 4);
    }
    // Without root, who only looks, the usual size will do.
    for (const option of [SO_SNDBUFFORCE, SO_RCVBUFFORCE]) {
      ignoring('EPERM', () => call('set netlink buffer', setsockopt, fd, SOL_SOCKET, option, largestMessage, 4));
    }
    call(
      'connect netlink socket',
      'int connect(int fd, const void *address, uint32_t length)',
      fd,
      kernel,
      kernel.length,
    );
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Has the kernel tell of what these multicast groups are about, from now on. @throws KernelError */
export function joinGroups(fd: number, groups: readonly number[]): void {
  for (const group of groups) {
    const number = Buffer.from(Uint32Array.of(group).buffer);
    call(`join netlink group ${group}`, setsockopt, fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, number, number.length);
  }
}

/** Sends the bytes to the kernel, and returns when it has carried them out. */
export function send(fd: number, bytes: Buffer, length: number): void {
  call('send to netlink', 'long send(int fd, const void *buffer, size_t length, int flags)', fd, bytes, length, 0);
}

/** One datagram of answers into `buffer`; undefined when the queue is empty. */
export function receive(fd: number, buffer: Buffer): number | undefined {
  const { koffi } = libc();
  const length = libc().function('long recv(int fd, void *buffer, size_t length, int flags)')(
    fd,
    buffer,
    buffer.length,
    MSG_DONTWAIT,
  );
  if (length >= 0) return length;
  const errno = errnoName(koffi.errno());
  if (errno === 'EAGAIN') return undefined;
  throw new KernelError('receive from netlink', errno);
}

/**
 * One datagram of a group into `buffer`. Whoever rules the namespace may send to groups as the kernel does: a connection keeps
 * off only what is sent to us.
 *
 * @returns undefined when the queue is empty, 0 for what is not from the kernel
 * @throws KernelError ENOBUFS where the kernel had to drop some, or one is larger than the buffer
 */
export function receiveFromKernel(fd: number, buffer: Buffer): number | undefined {
  const { koffi } = libc();
  const sender = Buffer.alloc(kernel.length);
  const length = libc().function(receivePrototype)(
    ...[fd, buffer, buffer.length, MSG_DONTWAIT | MSG_TRUNC, sender, Buffer.from(Uint32Array.of(sender.length).buffer)],
  );
  if (length < 0) {
    const errno = errnoName(koffi.errno());
    if (errno === 'EAGAIN') return undefined;
    throw new KernelError('listen to the kernel', errno);
  }
  if (!sender.subarray(0, 8).equals(kernel.subarray(0, 8))) return 0;
  if (length > buffer.length) throw new KernelError('listen to the kernel', 'ENOBUFS');
  return length;
}

export function closeSocket(fd: number): void {
  closeSync(fd);
}
