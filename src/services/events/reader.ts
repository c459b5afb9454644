/** Reading the log of events from front to back, while others write it and put full files aside. */
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { ignoring } from '../../values/errors.ts';
import type { EngineEvent, LogPosition } from '../../values/event.ts';
import { parseEventLine } from './line.ts';

/** Where the events are that `path` had no room for. */
export function rotatedPath(path: string): string {
  return `${path}.1`;
}

/** Behind the last event. Undefined while there is none. */
export function endOfLog(path: string): LogPosition | undefined {
  const found = ignoring('ENOENT', () => statSync(path)) ?? ignoring('ENOENT', () => statSync(rotatedPath(path)));
  return found === undefined ? undefined : { file: identify(found), offset: found.size };
}

/**
 * Reads on, each time that it is called, from where it was: whole lines, the oldest first.
 *
 * @param start absent: with the oldest event
 */
export function eventReader(path: string, start?: LogPosition): () => readonly EngineEvent[] {
  let position = start;
  return () => {
    // The present file first: what is put aside after that is found under the other name.
    const present = readFrom(path, position);
    const before = readFrom(rotatedPath(path), position);
    const files = [before?.file === present?.file ? undefined : before, present].filter((file) => file !== undefined);
    const known = files.findIndex(({ file }) => file === position?.file);
    return files.slice(Math.max(known, 0)).flatMap(({ file, offset, text }) => {
      const end = text.lastIndexOf('\n') + 1;
      position = { file, offset: offset + Buffer.byteLength(text.slice(0, end)) };
      return text
        .slice(0, end)
        .split('\n')
        .flatMap((line) => parseEventLine(line) ?? []);
    });
  };
}

/** A file from a position on, or from its beginning if the position is in another one. */
function readFrom(path: string, position: LogPosition | undefined) {
  const fd = ignoring('ENOENT', () => openSync(path, 'r'));
  if (fd === undefined) return undefined;
  try {
    const stat = fstatSync(fd);
    const file = identify(stat);
    const offset = file === position?.file ? position.offset : 0;
    const bytes = Buffer.alloc(Math.max(stat.size - offset, 0));
    return { file, offset, text: bytes.toString('utf8', 0, readSync(fd, bytes, 0, bytes.length, offset)) };
  } finally {
    closeSync(fd);
  }
}

function identify({ ino, birthtimeMs }: { readonly ino: number; readonly birthtimeMs: number }): string {
  return `${ino} ${birthtimeMs}`;
}
