/**
 * A change: a plan, and the records that say so afterwards. Whatever kills us, it is whole or it is not.
 *
 *     journal written -> steps -> records renamed into place -> journal removed
 *                                 ^ from here on it has happened
 *
 * The journal is one file for the whole change, without an entry per step: each kind of step can tell from the kernel
 * whether it holds. Who comes next, after a kill -9, finds the journal and completes the change or takes it back.
 * A change that makes things is taken back unless its records stand; one that takes things away is always completed.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { ignoring, TeardownError } from '../values/errors.ts';
import { apply } from './apply.ts';
import { decode, encode } from './encoding.ts';
import type { Kinds } from './kind.ts';
import type { Plan } from './plan.ts';
import { undo } from './undo.ts';
import type { World } from './world.ts';

/** What a record's file will hold; null removes it. */
export interface RecordChange {
  readonly path: string;
  readonly content: string | null;
  /** Written through to the disk before we go on: a network's record outlives a power cut. */
  readonly durable?: boolean;
}

export interface Change {
  readonly plan: Plan;
  /** The first one is the commit point. */
  readonly records: readonly RecordChange[];
}

/** Carries out a change. The caller holds the lock, and no journal is left from before. */
export async function carryOut(change: Change, journalPath: string, kinds: Kinds, world: World): Promise<void> {
  writeFileSync(journalPath, encode({ ...change, boot: bootId() }), { mode: 0o600 });
  const { subject, steps, direction } = change.plan;
  if (direction === 'unmake') return finish(change, journalPath, kinds, world);
  try {
    await apply(subject, steps, kinds, world);
    await commitOrUndo(change, kinds, world);
  } finally {
    rmSync(journalPath, { force: true });
  }
}

/** A full disk must not leave a container that no record knows. */
async function commitOrUndo(change: Change, kinds: Kinds, world: World): Promise<void> {
  try {
    for (const record of change.records) writeRecord(record);
  } catch (error) {
    for (const record of change.records) rmSync(`${record.path}.new`, { force: true });
    await undo(change.plan.subject, change.plan.steps, kinds, world);
    throw error;
  }
}

/** Completes or takes back what somebody before us began. The caller holds the lock. @returns what was done, in words, or undefined where there was nothing */
export async function recover(journalPath: string, kinds: Kinds, world: World): Promise<string | undefined> {
  const text = ignoring('ENOENT', () => readFileSync(journalPath, 'utf8'));
  if (text === undefined) return undefined;
  const change = readJournal(text);
  if (change === undefined) {
    rmSync(journalPath);
    return 'removed a torn journal: the change it announced had not begun';
  }
  const { plan } = change;
  if (plan.direction === 'unmake') {
    await finish(change, journalPath, kinds, world);
    return `completed an interrupted "${plan.subject}"`;
  }
  if (committed(change)) {
    commit(change, journalPath);
    return `completed an interrupted "${plan.subject}"`;
  }
  await undo(plan.subject, plan.steps, kinds, world);
  rmSync(journalPath);
  return `took back an interrupted "${plan.subject}"`;
}

/** Takes everything away and then the records; what could not be taken away is reported when all else is done. */
async function finish(change: Change, journalPath: string, kinds: Kinds, world: World): Promise<void> {
  let failure: unknown;
  try {
    await undo(change.plan.subject, change.plan.steps, kinds, world);
  } catch (error) {
    if (!(error instanceof TeardownError)) throw error;
    failure = error;
  }
  commit(change, journalPath);
  if (failure !== undefined) throw failure;
}

function commit(change: Change, journalPath: string): void {
  for (const record of change.records) writeRecord(record);
  rmSync(journalPath, { force: true });
}

function committed({ records }: Change): boolean {
  const [first] = records;
  if (first === undefined) return true;
  return (ignoring('ENOENT', () => readFileSync(first.path, 'utf8')) ?? null) === first.content;
}

/** A torn journal was never whole on the disk, so its first step was never taken. */
function readJournal(text: string): Change | undefined {
  try {
    return decode(text) as Change;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Atomic: a reader sees the old file or the new one. */
export function writeRecord({ path, content, durable }: RecordChange): void {
  if (content === null) {
    rmSync(path, { force: true });
    return;
  }
  const temporary = `${path}.new`;
  const fd = openSync(temporary, 'w', 0o600);
  try {
    writeFileSync(fd, content);
    if (durable === true) fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, path);
}

/** Which boot this is. What lies in /run from another boot says nothing about this kernel. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}
