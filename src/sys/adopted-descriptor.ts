/**
 * A descriptor of any kind on Node's event loop: no thread, no polling, nothing that keeps the process from ending.
 *
 * Node watches only the descriptors that it knows: it asks the kernel for the type once, when a stream is made from a
 * descriptor, and refuses what is neither a TCP nor a stream socket, a pipe or a terminal. What follows are read(2),
 * write(2) and epoll, and these fit many more. So the stream is made from an idle stream socket, and then the wanted
 * file takes that descriptor's place: dup3(2) does it in one step, before the loop has looked at it for the first time.
 *
 * Why not read on a thread of libuv's pool (koffi's `.async`, fs.read): a blocked thread can't be called back, and the
 * process could not end while one waits. Four of them would stop every other file operation.
 *
 * @see dup(2), epoll(7)
 */
import { closeSync } from 'node:fs';
import { type OnReadOpts, Socket } from 'node:net';
import { call } from './libc.ts';

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;
const O_CLOEXEC = 0o2000000;

/**
 * A stream over a copy of `fd`; the caller keeps and closes its own. The file must already be non-blocking.
 *
 * Must not be called inside a network-namespace window: the stream would outlive it.
 *
 * @param onread where each read(2) puts its bytes. Absent: the stream is for writing only.
 * @throws KernelError EMFILE
 */
export function adoptDescriptor(fd: number, onread?: OnReadOpts): Socket {
  const slot = call('open a descriptor', 'int socket(int, int, int)', AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  try {
    // `onread` is an option of the constructor, too; only the types of Node 20 do not know it there.
    const options = { fd: slot, readable: onread !== undefined, writable: true, allowHalfOpen: true, onread };
    const stream = new Socket(options);
    call(`watch descriptor ${fd}`, 'int dup3(int, int, int)', fd, slot, O_CLOEXEC);
    return stream;
  } catch (error) {
    closeSync(slot);
    throw error;
  }
}
