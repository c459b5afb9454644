/**
 * System calls for a loop that makes hundreds of thousands of them a second.
 *
 * `call` of libc.ts makes an error of every refusal and takes memory as Buffers; that is right for a call a container, and
 * too dear for several calls a packet. Here each call is koffi's function itself. All parameters are numbers, memory too:
 * an address has 47 bits, and a number keeps 53. -1 says that it failed, and `errno` why, as in C. Nothing is allocated.
 *
 *     read(2) of nothing, by a Buffer: 0.43 µs; by a number: 0.38 µs; getppid(2), the least there is: 0.32 µs
 */
import { constants } from 'node:os';
import { libc } from './libc.ts';

/** In C's words and order. */
export interface SystemCalls {
  accept4(listener: number, name: number, nameLength: number, flags: number): number;
  bind(fd: number, name: number, nameLength: number): number;
  close(fd: number): number;
  connect(fd: number, name: number, nameLength: number): number;
  epoll_ctl(epoll: number, operation: number, fd: number, event: number): number;
  epoll_wait(epoll: number, events: number, capacity: number, timeoutMilliseconds: number): number;
  fcntl(fd: number, command: number, value: number): number;
  getsockname(fd: number, name: number, nameLength: number): number;
  getsockopt(fd: number, level: number, option: number, value: number, length: number): number;
  pipe2(ends: number, flags: number): number;
  recv(fd: number, memory: number, length: number, flags: number): number;
  recvmmsg(fd: number, messages: number, count: number, flags: number, timeout: number): number;
  recvmsg(fd: number, message: number, flags: number): number;
  send(fd: number, memory: number, length: number, flags: number): number;
  sendmmsg(fd: number, messages: number, count: number, flags: number): number;
  sendmsg(fd: number, message: number, flags: number): number;
  setsockopt(fd: number, level: number, option: number, value: number, length: number): number;
  shutdown(fd: number, how: number): number;
  socket(family: number, type: number, protocol: number): number;
  splice(from: number, fromOffset: number, to: number, toOffset: number, length: number, flags: number): number;
}

const prototypes: Readonly<Record<keyof SystemCalls, string>> = {
  accept4: 'int accept4(int, intptr_t, intptr_t, int)',
  bind: 'int bind(int, intptr_t, uint32_t)',
  close: 'int close(int)',
  connect: 'int connect(int, intptr_t, uint32_t)',
  epoll_ctl: 'int epoll_ctl(int, int, int, intptr_t)',
  epoll_wait: 'int epoll_wait(int, intptr_t, int, int)',
  fcntl: 'int fcntl(int, int, ...)',
  getsockname: 'int getsockname(int, intptr_t, intptr_t)',
  getsockopt: 'int getsockopt(int, int, int, intptr_t, intptr_t)',
  pipe2: 'int pipe2(intptr_t, int)',
  recv: 'int recv(int, intptr_t, size_t, int)',
  recvmmsg: 'int recvmmsg(int, intptr_t, unsigned int, int, intptr_t)',
  recvmsg: 'int recvmsg(int, intptr_t, int)',
  send: 'int send(int, intptr_t, size_t, int)',
  sendmmsg: 'int sendmmsg(int, intptr_t, unsigned int, int)',
  sendmsg: 'int sendmsg(int, intptr_t, int)',
  setsockopt: 'int setsockopt(int, int, int, intptr_t, uint32_t)',
  shutdown: 'int shutdown(int, int)',
  socket: 'int socket(int, int, int)',
  splice: 'int splice(int, intptr_t, int, intptr_t, size_t, unsigned int)',
};

/** The table of this thread. */
export function systemCalls(): SystemCalls {
  const entries = Object.entries(prototypes).map(([name, prototype]) => [name, libc().function(prototype)]);
  return Object.fromEntries(entries) as SystemCalls;
}

/** Why the last call of this thread failed: one of `os.constants.errno`. */
export function lastErrno(): () => number {
  return libc().koffi.errno;
}

/** Where the bytes of `memory` stand. They stay there as long as somebody holds it. */
export function addressOf(memory: Uint8Array): number {
  return Number(libc().koffi.address(memory));
}

/** The errno numbers that such a loop asks for. */
export const {
  EAGAIN,
  EINTR,
  EINPROGRESS,
  ECONNABORTED,
  ECONNREFUSED,
  ECONNRESET,
  EMSGSIZE,
  ENOTCONN,
  EOPNOTSUPP,
  EPIPE,
} = constants.errno;
