/**
 * The log of events: a file of lines, to which every command appends what it has done.
 *
 *     events      the latest; half a megabyte at most
 *     events.1    those before, once `events` was full
 *
 * Nobody has to run for it, and who wants to know reads (reader.ts). Docker's daemon remembers 256 events; here it is
 * always more than a thousand. All that one change has to tell is appended at once, under a lock of the file itself: so
 * nobody writes into a file that has just been put aside, and times never run backwards from line to line.
 */
import { closeSync, fstatSync, openSync, readSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { lockDescriptor } from '../../sys/flock.ts';
import { ignoring } from '../../values/errors.ts';
import type { LogPosition, Occurrence } from '../../values/event.ts';
import { formatEventLine } from './line.ts';
import { eventReader, rotatedPath } from './reader.ts';

/** Twice as much lies in memory at most, below /run. */
const fullBytes = 512 * 1024;
const lineFeed = 0x0a;

/**
 * Writes down what has happened, with the present time.
 *
 * @throws Error ENOSPC and other errors of open(2) and write(2)
 */
export function appendEvents(path: string, occurrences: readonly Occurrence[]): void {
  const fd = openLocked(path);
  try {
    const time = new Date();
    const { size } = fstatSync(fd);
    const text = occurrences.map((occurrence) => formatEventLine({ ...occurrence, time })).join('');
    writeFileSync(fd, isTorn(fd, size) ? `\n${text}` : text);
    if (size + text.length >= fullBytes) renameSync(path, rotatedPath(path));
  } finally {
    closeSync(fd);
  }
}

/** Does the log tell of this, all of it and together, behind a place? */
export function containsEvents(
  path: string,
  occurrences: readonly Occurrence[],
  since: LogPosition | undefined,
): boolean {
  const plain = ({ type, action, id, attributes }: Occurrence) => JSON.stringify([type, action, id, attributes]);
  const told = eventReader(path, since)().map(plain);
  const wanted = occurrences.map(plain);
  return told.some((_, index) => wanted.every((line, offset) => told[index + offset] === line));
}

/** The file that has the name when its lock is ours: whoever had it before us may have put the file aside. */
function openLocked(path: string): number {
  for (;;) {
    const fd = openSync(path, 'a+', 0o600);
    try {
      lockDescriptor(fd, path);
      if (ignoring('ENOENT', () => statSync(path))?.ino === fstatSync(fd).ino) return fd;
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    closeSync(fd);
  }
}

/** Does it end with a half of a line? Somebody was killed, or had no space, while he wrote it. */
function isTorn(fd: number, size: number): boolean {
  const last = Buffer.alloc(1);
  return size > 0 && readSync(fd, last, 0, 1, size - 1) === 1 && last[0] !== lineFeed;
}
