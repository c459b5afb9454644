/**
 * The person's terminal, while it is connected to a container's.
 *
 * The container has a terminal of its own, which does everything that a terminal does: it echoes, edits lines, turns
 * ctrl-c into SIGINT. So the person's own must do nothing of that (raw mode) and pass every key on. A terminal that is
 * left raw is no use to a shell: it is set back on every way out, at the latest when this process ends.
 *
 * The container's terminal is born with no size at all. conmon sets it to what it reads from the pipe `ctl`.
 *
 * @see termios(3), `TIOCSWINSZ` in ioctl_tty(2)
 */
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { ReadStream, WriteStream } from 'node:tty';
import { leaveOutputAlone } from '../../sys/terminal-output.ts';
import { ignoring } from '../../values/errors.ts';

/** Undoes something, once. */
export type Undo = () => void;

/** conmon reads each message alone only if none follows at once (2.1.12 applies the first of two twice). */
const RESIZE_PAUSE_MS = 20;
/** By then it has read whatever came before, also on a machine that is busy. */
const RESIZE_SURE_MS = 500;

export function isTerminalInput(stream: unknown): stream is ReadStream {
  return (stream as Partial<ReadStream> | undefined)?.isTTY === true && 'setRawMode' in (stream as ReadStream);
}

export function isTerminalOutput(stream: unknown): stream is WriteStream {
  return (stream as Partial<WriteStream> | undefined)?.isTTY === true && 'columns' in (stream as WriteStream);
}

/**
 * Lets every key through, until it is undone.
 *
 *     stty raw -echo
 */
export function enableRawMode(input: ReadStream): Undo {
  const wasRaw = input.isRaw;
  const restore = () => {
    process.off('exit', restore);
    for (const signal of deadly) process.off(signal, die);
    if (!input.destroyed) input.setRawMode(wasRaw);
  };
  const die = (signal: NodeJS.Signals) => {
    restore();
    process.kill(process.pid, signal);
  };
  process.on('exit', restore);
  for (const signal of deadly) process.on(signal, die);
  input.setRawMode(true);
  // The container's terminal has put a carriage return before each line feed already.
  leaveOutputAlone((input as ReadStream & { readonly fd: number }).fd);
  return restore;
}

/** Signals that end this process while it holds a raw terminal. The keyboard sends none: it is raw. */
const deadly = ['SIGHUP', 'SIGTERM', 'SIGINT', 'SIGQUIT'] as const;

/**
 * Keeps the container's terminal as large as the person's, from now on until it is undone.
 *
 *     echo "1 ROWS COLUMNS" > BUNDLE/ctl
 *
 * @param redraw The program has drawn its screen before we came, for somebody else: it is to draw it again. It does so
 *   when it hears of another size (SIGWINCH), and the kernel tells it only of one that is different from the last.
 */
export function syncTerminalSize(output: WriteStream, bundleDirectory: string, redraw: boolean): Undo {
  let pending: NodeJS.Timeout | undefined;
  let sure: NodeJS.Timeout | undefined;
  const send = () => {
    pending = undefined;
    sendSize(bundleDirectory, output.rows, output.columns);
  };
  const onResize = () => {
    pending ??= setTimeout(send, RESIZE_PAUSE_MS);
  };
  output.on('resize', onResize);
  if (redraw) {
    sendSize(bundleDirectory, output.rows + 1, output.columns);
    onResize();
    sure = setTimeout(onResize, RESIZE_SURE_MS);
  } else send();
  return () => {
    output.off('resize', onResize);
    clearTimeout(pending);
    clearTimeout(sure);
  };
}

/** Says nothing if the container has ended: its pipe is gone (ENOENT) or has no reader (ENXIO). */
function sendSize(bundleDirectory: string, rows: number, columns: number): void {
  const pipe = join(bundleDirectory, 'ctl');
  const fd = ignoring(['ENOENT', 'ENXIO'], () => openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK));
  if (fd === undefined) return;
  try {
    ignoring('EPIPE', () => writeSync(fd, `1 ${rows} ${columns}\n`));
  } finally {
    closeSync(fd);
  }
}
