/**
 * Executes a change: a plan, and the records that describe the result. A change is atomic, even if gangway is killed.
 *
 *      journal written -> steps -> records renamed into place -> events appended -> journal removed
 *                                  ^ commit point
 *
 * The journal is one file per change, without entries per step: each step kind can check the kernel for its steps. The
 * next command after a crash finds the journal. It completes a change whose records are committed or that removes
 * things, and rolls back any other.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { bootId } from '../kernel/boot.ts';
import { GangwayError, hasErrno, ignoring, TeardownError } from '../values/errors.ts';
import type { LogPosition, Occurrence } from '../values/event.ts';
import { present } from '../values/present.ts';
import { apply } from './apply.ts';
import { decode, encode } from './encoding.ts';
import type { KernelHandles } from './kernel-handles.ts';
import type { Kinds } from './kind.ts';
import { commitFile, type FileChange, stage, unstage } from './staged-files.ts';
import type { Plan } from './step.ts';
import { persistentSteps, rollBack, undo } from './undo.ts';

/** A changed record. Records of networks are durable: they survive a power failure. */
export type RecordChange = FileChange;

export interface Change {
  readonly plan: Plan;
  /** The first one is the commit point. */
  readonly records: readonly RecordChange[];
  /** Events appended after the commit. */
  readonly events?: readonly Occurrence[];
}

/** The journal of changes under way, and the log of events. */
export interface ChangeLog {
  readonly journalPath: string;
  readonly appendEvents: (events: readonly Occurrence[]) => void;
  /** Appends events of a recovered change, unless the log has them after `since`. */
  readonly appendMissingEvents: (events: readonly Occurrence[], since: LogPosition | undefined) => void;
  /** The end of the log of events; undefined for an empty log. */
  readonly eventPosition: () => LogPosition | undefined;
}

/** Schema of the journal; incremented with a change of meaning. */
const schema = 1;

/** The journal: the change, and the boot in which it began. */
interface Journal extends Change {
  readonly schema: number;
  readonly boot: string;
  /** The end of the log when the change began. */
  readonly toldUntil?: LogPosition;
}

/** Executes a change. The caller holds the lock, and no older journal exists. */
export async function executeChange(
  change: Change,
  ledger: ChangeLog,
  kinds: Kinds,
  kernel: KernelHandles,
): Promise<void> {
  const { journalPath } = ledger;
  try {
    const toldUntil = ledger.eventPosition();
    writeJournal({ ...change, schema, boot: bootId(), ...present({ toldUntil }) }, journalPath);
  } catch (error) {
    if (!hasErrno(error, 'ENOSPC') || !canDoWithout(change)) throw error;
  }
  const { subject, steps, direction } = change.plan;
  try {
    if (direction === 'make') await apply(subject, steps, kinds, kernel);
    await stageOrUndo(change, kinds, kernel);
  } catch (error) {
    rmSync(journalPath, { force: true });
    throw error;
  }
  // A later error leaves the journal to the next command.
  if (direction === 'make') commit(change, ledger);
  else await finish(change, ledger, kinds, kernel);
}

/**
 * May a change run without a journal? Removal can: the records remain until it ends, and repeating it is harmless. So
 * containers can be stopped on a full disk.
 */
function canDoWithout({ plan, records }: Change): boolean {
  return plan.direction === 'unmake' || (plan.steps.length === 0 && records.length <= 1);
}

/** Removes a partly written journal. */
function writeJournal(journal: Journal, path: string): void {
  try {
    writeFileSync(path, encode(journal), { mode: 0o600 });
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  }
}

/**
 * Writes all records to temporary files before the first rename. So a full disk leaves neither a container without a
 * record nor a record without its container.
 */
async function stageOrUndo({ plan, records }: Change, kinds: Kinds, kernel: KernelHandles): Promise<void> {
  try {
    stage(records);
  } catch (error) {
    if (plan.direction === 'make') await rollBack(plan.subject, plan.steps, kinds, kernel, error);
    throw error;
  }
}

/**
 * Completes or rolls back an interrupted change. The caller holds the lock.
 *
 * @returns what was done in words, or undefined without a journal
 * @throws GangwayError record-unreadable for the journal of a newer version, which only that version can handle
 */
export async function recoverChange(
  ledger: ChangeLog,
  kinds: Kinds,
  kernel: KernelHandles,
): Promise<string | undefined> {
  const { journalPath, appendMissingEvents: tellUnlessTold } = ledger;
  const text = ignoring('ENOENT', () => readFileSync(journalPath, 'utf8'));
  if (text === undefined) return undefined;
  const journal = readJournal(text, journalPath);
  if (journal === undefined) {
    rmSync(journalPath);
    return 'removed an incomplete journal: its change had not begun';
  }
  const { plan, toldUntil } = journal;
  const careful: ChangeLog = { ...ledger, appendEvents: (events) => tellUnlessTold(events, toldUntil) };
  const steps = journal.boot === bootId() ? plan.steps : persistentSteps(plan.steps);
  const change = { ...journal, plan: { ...plan, steps } };
  const { subject, direction } = plan;
  if (direction === 'unmake') {
    stage(change.records);
    return await describe(`completed an interrupted "${subject}"`, () => finish(change, careful, kinds, kernel));
  }
  if (committed(change)) {
    stage(change.records);
    commit(change, careful);
    return `completed an interrupted "${subject}"`;
  }
  unstage(change.records);
  return await describe(`rolled back an interrupted "${subject}"`, async () => {
    try {
      await undo(subject, steps, kinds, kernel);
    } finally {
      rmSync(journalPath);
    }
  });
}

/**
 * What the change under way does to a file, for readers without the lock. A change that creates something may still be
 * rolled back, so it announces nothing.
 *
 * @returns undefined if no change of the file is announced, or the journal is of a newer version
 */
export function pendingFileChange(path: string, journalPath: string): FileChange | undefined {
  const text = ignoring('ENOENT', () => readFileSync(journalPath, 'utf8'));
  const journal = text === undefined ? undefined : parseJournal(text);
  if (journal === undefined || journal === 'newer' || journal.plan.direction === 'make') return undefined;
  return journal.records.find((record) => record.path === path);
}

/** A teardown error is reported once and does not block later commands. `gangway gc` removes the rest. */
async function describe(sentence: string, work: () => Promise<void>): Promise<string> {
  try {
    await work();
    return sentence;
  } catch (error) {
    if (!(error instanceof TeardownError)) throw error;
    return `${sentence}, but ${error.message}`;
  }
}

/** Removes everything and commits the records. Teardown errors are thrown afterwards. */
async function finish(change: Change, ledger: ChangeLog, kinds: Kinds, kernel: KernelHandles): Promise<void> {
  let failure: unknown;
  try {
    await undo(change.plan.subject, change.plan.steps, kinds, kernel);
  } catch (error) {
    if (!(error instanceof TeardownError)) throw error;
    failure = error;
  }
  commit(change, ledger);
  if (failure !== undefined) throw failure;
}

function commit(change: Change, { journalPath, appendEvents: tell }: ChangeLog): void {
  for (const record of change.records) commitFile(record);
  tell(change.events ?? []);
  rmSync(journalPath, { force: true });
}

function committed({ records }: Change): boolean {
  const [first] = records;
  if (first === undefined) return true;
  const found = ignoring('ENOENT', () => readFileSync(first.path, 'utf8'));
  return found?.trimEnd() === first.content?.trimEnd();
}

/** @throws GangwayError record-unreadable for the journal of a newer version */
function readJournal(text: string, path: string): Journal | undefined {
  const journal = parseJournal(text);
  if (journal !== 'newer') return journal;
  throw new GangwayError('record-unreadable', `${path}: interrupted change of a newer version of gangway`, {
    hint: 'run any command of that version to complete the change',
  });
}

/** Returns undefined for an incomplete journal: it was never written as a whole, so no step was applied. */
function parseJournal(text: string): Journal | 'newer' | undefined {
  let journal: Journal;
  try {
    journal = decode(text) as Journal;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  if (!(journal?.schema >= schema)) return undefined;
  if (journal.schema > schema) return 'newer';
  const isWhole = Array.isArray(journal.plan?.steps) && Array.isArray(journal.records);
  return isWhole ? journal : undefined;
}
