/**
 * The one thing that a raw terminal of Node's still does to output: it puts a carriage return before every line feed.
 *
 * @see termios(3), struct termios in bits/termios.h: c_iflag, c_oflag, …, 60 bytes
 */
import { call } from './libc.ts';

const outputFlags = 4;
const OPOST = 0x1;
const TCSADRAIN = 1;

/**
 * Bytes reach the terminal as they are written. Leaving raw mode takes it back.
 *
 *     stty -opost
 *
 * @throws KernelError ENOTTY
 */
export function leaveOutputAlone(fd: number): void {
  const termios = Buffer.alloc(60);
  call('read terminal settings', 'int tcgetattr(int fd, void *termios)', fd, termios);
  termios.writeUInt32LE((termios.readUInt32LE(outputFlags) & ~OPOST) >>> 0, outputFlags);
  call('set terminal settings', 'int tcsetattr(int fd, int when, const void *termios)', fd, TCSADRAIN, termios);
}
