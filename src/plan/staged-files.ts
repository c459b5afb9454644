/**
 * Changes several files together: each is written to a temporary file before the first one is renamed.
 *
 *      ID.json        the old content
 *      ID.json.new    the complete new content
 *
 * rename(2) is atomic: a reader sees the old file or the new one. On a full disk the new content overwrites the old
 * file in its blocks.
 *
 * @see rename(2), fsync(2)
 */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { hasErrno } from '../values/errors.ts';

/** The new content of a file; null removes it. */
export interface FileChange {
  readonly path: string;
  readonly content: string | null;
  /** The last content of a removed file, for readers without the lock. */
  readonly last?: string;
  /** Synced to the disk before the change goes on. */
  readonly durable?: boolean;
}

/** Does everything that needs disk space: writes all files, or none. */
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

/** Renames the staged file, or overwrites the file in place. */
export function commitFile({ path, content, durable }: FileChange): void {
  if (content === null) rmSync(path, { force: true });
  else if (existsSync(staged(path))) renameSync(staged(path), path);
  else write(openSync(path, 'r+'), padded(content, statSync(path).size), durable);
  if (durable === true) syncDirectory(dirname(path));
}

/**
 * A container must be stoppable after its log has filled the disk. Its record then fits only into the blocks of the old
 * one.
 */
function fitsInPlace(path: string, content: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found !== undefined && Buffer.byteLength(content) <= found.blocks * 512;
}

/** Pads to the old length with line breaks, which JSON allows: a reader never sees a partial file. */
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

/** The name of a file is stored in its directory, which must be synced as well. */
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
