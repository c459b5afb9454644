/**
 * Waiting for a descriptor in Node's own event loop, with libuv's uv_poll.
 *
 * Node gives no access to it, koffi does (`koffi.node.poll`). The other ways were a thread of libuv's pool that sleeps
 * in epoll_wait(2), or a worker: both hold a thread, and both keep the process from ending while it sleeps.
 */
import { libc } from './libc.ts';

/** Ends the wait. To be called before the descriptor is closed. */
export interface Watch {
  close(): void;
}

/** Calls `callback` once, when `fd` can be written: a connection that was begun is made, or has failed. */
export function whenWritable(fd: number, callback: () => void): Watch {
  const handle = libc().koffi.node.poll(fd, { writable: true }, () => {
    handle.stop();
    callback();
  });
  return { close: () => handle.close() };
}

/**
 * Calls `callback` whenever `fd` can be read, again and again until it has been read empty.
 *
 * An error that waits on the socket (a port unreachable, say) counts as readable: the next receive takes it away, and where
 * the socket is to report them all (IP_RECVERR) nothing does. libuv stops its watch in that case and has to be started again.
 * `callback` must leave no promise or nextTick behind: this is a bare callback from the loop, after which Node runs neither
 * until something else happens. What it throws is thrown again from a turn of Node's own, so that it ends the process like
 * any uncaught error, instead of being lost.
 */
export function whenReadable(fd: number, callback: () => void): Watch {
  const { poll } = libc().koffi.node;
  let open = true;
  const turn = (status: unknown) => {
    try {
      callback();
    } catch (error) {
      setImmediate(() => {
        throw error;
      });
    }
    if (open && typeof status === 'number' && status < 0) handle.start({ readable: true }, turn);
  };
  const handle = poll(fd, { readable: true }, turn);
  return {
    close() {
      open = false;
      handle.close();
    },
  };
}
