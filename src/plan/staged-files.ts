/**
 * Files that change together: each is written whole beside its place, and only then is the first one renamed into it.
 *
 *     ID.json        what was so
 *     ID.json.new    what will be, whole
 *
 * rename(2) is atomic: a reader sees the old file or the new one. Where the disk has no room for both, the new one is written over
 * the old one, in its blocks.
 *
 * @see rename(2), fsync(2)
 */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { hasErrno } from '../values/errors.ts';

/** What a file will hold; null removes it. */
export interface FileChange {
  readonly path: string;
  readonly content: string | null;
  /** What one that is removed would hold: for who looks meanwhile. */
  readonly last?: string;
  /** Written through to the disk before we go on. */
  readonly durable?: boolean;
}

/** Does all that can fail for want of space: every file is whole beside its place, or none is. */
export function stage(files: readonly FileChange[]): void {
  try {
    for (const file of files) stageFile(file);
  } catch (error) {
    unstage(files);
    throw error;
  }
}

export function unstage(files: readonly FileChange[]): void {
  for (const { path } of files) rmSync(staged(path), { force: true });
}

function stageFile({ path, content, durable }: FileChange): void {
  if (content === null) return;
  try {
    write(openSync(staged(path), 'w', 0o600), content, durable);
  } catch (error) {
    if (!(hasErrno(error, 'ENOSPC', 'EDQUOT') && fitsInPlace(path, content))) throw error;
    rmSync(staged(path), { force: true });
  }
}

/** Puts what was staged into its place, or over what is there. */
export function commitFile({ path, content, durable }: FileChange): void {
  if (content === null) rmSync(path, { force: true });
  else if (existsSync(staged(path))) renameSync(staged(path), path);
  else write(openSync(path, 'r+'), padded(content, statSync(path).size), durable);
  if (durable === true) syncDirectory(dirname(path));
}

/**
 * A container whose own log has filled the disk must still be stopped, and that changes its record: there is no room for
 * a second file, but in the blocks of the old one.
 */
function fitsInPlace(path: string, content: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found !== undefined && Buffer.byteLength(content) <= found.blocks * 512;
}

/** As long as what it is written over: what JSON ends with may be blank, and half a file is none. */
function padded(content: string, bytes: number): string {
  return content + '\n'.repeat(Math.max(0, bytes - Buffer.byteLength(content)));
}

function write(fd: number, content: string, durable = false): void {
  try {
    writeFileSync(fd, content);
    if (durable) fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** A file's name stands in its directory, which has to reach the disk as well. */
function syncDirectory(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function staged(path: string): string {
  return `${path}.new`;
}
