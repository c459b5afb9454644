/** Which descriptor one of Node's sockets has: how many there are is bounded, and some options only the kernel knows. */
import type { Socket } from 'node:net';

/** @returns undefined once it is closed. `_handle` is Node's own, but nothing public leads there. */
export function descriptor(socket: Socket): number | undefined {
  const fd = (socket as { _handle?: { fd?: number } | null })._handle?.fd;
  return fd === undefined || fd < 0 ? undefined : fd;
}
