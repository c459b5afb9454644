/** A pipe whose one end is for another program. @see pipe(2) */
import { call } from './libc.ts';

const O_CLOEXEC = 0o2000000;

export interface PipeEnds {
  readonly reader: number;
  readonly writer: number;
}

/**
 * Both ends wait, and are closed by exec(2) unless they are handed over. Node's own `stdio: 'pipe'` is a socket, which nobody
 * can open again as /dev/stdout.
 *
 * @throws KernelError EMFILE, ENFILE
 */
export function openPipe(): PipeEnds {
  const ends = Buffer.alloc(8);
  call('open pipe', 'int pipe2(void *ends, int flags)', ends, O_CLOEXEC);
  return { reader: ends.readInt32LE(0), writer: ends.readInt32LE(4) };
}
