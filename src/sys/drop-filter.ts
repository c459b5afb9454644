/**
 * A closed door in front of a bound socket: a classic BPF program of one instruction, `ret 0`, which keeps zero bytes
 * of every packet. The kernel drops each SYN and each datagram as if it had been lost on the way, so a client tries
 * again, and finds the door open.
 *
 * @see SO_ATTACH_FILTER in socket(7); struct sock_fprog and struct sock_filter in linux/filter.h
 */
import { call, libc } from './libc.ts';

const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;
const SO_DETACH_FILTER = 27;
const setsockopt = 'int setsockopt(int fd, int level, int option, const void *value, uint32_t length)';

/** BPF_RET | BPF_K with k = 0: struct sock_filter { u16 code; u8 jt, jf; u32 k }. */
const returnZero = [0x06, 0, 0, 0, 0, 0, 0, 0];

/** Drops everything that arrives from now on. What lies in the queue already stays there. */
export function closeDoor(fd: number): void {
  // In memory of its own, 24 bytes behind each other: struct sock_fprog { u16 length; struct sock_filter *filter },
  // then the program that it points to.
  const memory = Buffer.allocUnsafe(24);
  memory.writeUInt16LE(1, 0);
  memory.writeBigUInt64LE(libc().koffi.address(memory) + 16n, 8);
  memory.set(returnZero, 16);
  call('attach socket filter', setsockopt, fd, SOL_SOCKET, SO_ATTACH_FILTER, memory, 16);
}

/** Lets packets in again. */
export function openDoor(fd: number): void {
  call('detach socket filter', setsockopt, fd, SOL_SOCKET, SO_DETACH_FILTER, Buffer.allocUnsafe(4), 4);
}
