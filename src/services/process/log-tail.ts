/**
 * Where the last N lines of a log begin, found from its end: a log of a gigabyte costs as little as a short one.
 *
 * A line ends with an entry of tag F and begins after the previous one, so that the entries of a long line stay
 * together. What comes after the last F, a line that is still being written, counts as one.
 */
import type { FileHandle } from 'node:fs/promises';

const BLOCK_BYTES = 65_536;
const LINE_FEED = 0x0a;

/** `2026-11-23T23:00:00.123456789+00:00 stdout F `: nothing before the tag has a length that changes. */
const TAG_AT = 43;
const TAG_F = 'F'.charCodeAt(0);

/** @returns the offset of the first of the last `lines` lines; 0 if there are no more than these */
export async function findTail(handle: FileHandle, lines: number): Promise<number> {
  const { size } = await handle.stat();
  if (lines <= 0) return size;
  let wanted = lines;
  let following: Buffer = Buffer.alloc(0);
  let nextEntry = size;
  for (let end = size; end > 0; end -= BLOCK_BYTES) {
    const start = Math.max(end - BLOCK_BYTES, 0);
    const block = Buffer.alloc(end - start);
    await handle.read(block, 0, block.length, start);
    // An entry that begins at the end of this block has its tag in the one that was read before.
    const bytes = Buffer.concat([block, following]);
    for (const entry of entriesBackwards(block, start)) {
      if (entry >= size) continue;
      const endsLine = bytes[entry - start + TAG_AT] === TAG_F;
      if (nextEntry === size && !endsLine) wanted -= 1;
      if (endsLine && wanted === 0) return nextEntry;
      if (endsLine) wanted -= 1;
      nextEntry = entry;
    }
    following = bytes.subarray(0, TAG_AT + 1);
  }
  return 0;
}

/** The offsets in the file at which entries begin. */
function* entriesBackwards(block: Buffer, start: number): Generator<number> {
  for (let at = block.lastIndexOf(LINE_FEED); at >= 0; at = at === 0 ? -1 : block.lastIndexOf(LINE_FEED, at - 1)) {
    yield start + at + 1;
  }
  if (start === 0) yield 0;
}
