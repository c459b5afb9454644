/**
 * A change: a plan, and the records that say so afterwards. Whatever kills us, it is whole or it is not.
 *
 *     journal written -> steps -> records renamed into place -> what happened is told -> journal removed
 *                                 ^ from here on it has happened
 *
 * The journal is one file for the whole change, without an entry per step: each kind of step can tell from the kernel
 * whether it holds. Who comes next, after a kill -9, finds the journal and completes the change or takes it back.
 * A change that makes things is taken back unless its records stand; one that takes things away is always completed.
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
import type { Plan } from './plan.ts';
import { commitFile, type FileChange, stage, unstage } from './staged-files.ts';
import { persistentSteps, rollBack, undo } from './undo.ts';

/** Of a record's file. A network's is durable: it outlives a power cut. */
export type RecordChange = FileChange;

export interface Change {
  readonly plan: Plan;
  /** The first one is the commit point. */
  readonly records: readonly RecordChange[];
  /** What is told once it has happened. */
  readonly events?: readonly Occurrence[];
}

/** Where changes are written down while they are under way, and who is told when they have happened. */
export interface ChangeLog {
  readonly journalPath: string;
  readonly appendEvents: (events: readonly Occurrence[]) => void;
  /** Of a change that somebody else began, who may have told it before he was killed: behind that place. */
  readonly appendMissingEvents: (events: readonly Occurrence[], since: LogPosition | undefined) => void;
  /** How far has been told now? Undefined where nothing has. */
  readonly eventPosition: () => LogPosition | undefined;
}

/** Read back by `recover`; a change of its meaning gets the next number. */
const schema = 1;

/** What stands in the journal: the change, and the boot in which it was begun. */
interface Journal extends Change {
  readonly schema: number;
  readonly boot: string;
  /** How far had been told then. */
  readonly toldUntil?: LogPosition;
}

/** Carries out a change. The caller holds the lock, and no journal is left from before. */
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
  // An error from here on leaves the journal to the next command, which sees how far it came.
  if (direction === 'make') commit(change, ledger);
  else await finish(change, ledger, kinds, kernel);
}

/**
 * Of what is taken away the records tell until it is done, and taking away twice is taking away once; a single record is changed
 * whole or not at all. So what has filled the disk can be ended.
 */
function canDoWithout({ plan, records }: Change): boolean {
  return plan.direction === 'unmake' || (plan.steps.length === 0 && records.length <= 1);
}

/** A disk that is full leaves no half of a journal: the next command would wonder about it. */
function writeJournal(journal: Journal, path: string): void {
  try {
    writeFileSync(path, encode(journal), { mode: 0o600 });
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  }
}

/**
 * A full disk must not leave a container that no record knows, nor a record of what was taken back: every record is
 * written beside its place before the first one is renamed into it.
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
 * Completes or takes back what somebody before us began. The caller holds the lock.
 *
 * @returns what was done, in words, or undefined where there was nothing
 * @throws GangwayError record-unreadable where a newer gangway was interrupted: only that one knows what to do
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
    return 'removed a torn journal: the change it announced had not begun';
  }
  const { plan, toldUntil } = journal;
  const careful: ChangeLog = { ...ledger, appendEvents: (events) => tellUnlessTold(events, toldUntil) };
  const steps = journal.boot === bootId() ? plan.steps : persistentSteps(plan.steps);
  const change = { ...journal, plan: { ...plan, steps } };
  const { subject, direction } = plan;
  if (direction === 'unmake') {
    stage(change.records);
    return await told(`completed an interrupted "${subject}"`, () => finish(change, careful, kinds, kernel));
  }
  if (committed(change)) {
    stage(change.records);
    commit(change, careful);
    return `completed an interrupted "${subject}"`;
  }
  unstage(change.records);
  return await told(`took back an interrupted "${subject}"`, async () => {
    try {
      await undo(subject, steps, kinds, kernel);
    } finally {
      rmSync(journalPath);
    }
  });
}

/**
 * What becomes of a file by the change that is under way, for who only looks and holds no lock. One that makes something may
 * still be taken back, and announces nothing.
 *
 * @returns undefined where no change of it is announced, it is over, or it is a newer gangway's
 */
export function pendingFileChange(path: string, journalPath: string): FileChange | undefined {
  const text = ignoring('ENOENT', () => readFileSync(journalPath, 'utf8'));
  const journal = text === undefined ? undefined : parseJournal(text);
  if (journal === undefined || journal === 'newer' || journal.plan.direction === 'make') return undefined;
  return journal.records.find((record) => record.path === path);
}

/** What can't be taken away now could not be the next time: it is told once, and stops nobody. `gangway gc` finds it. */
async function told(sentence: string, work: () => Promise<void>): Promise<string> {
  try {
    await work();
    return sentence;
  } catch (error) {
    if (!(error instanceof TeardownError)) throw error;
    return `${sentence}, but ${error.message}`;
  }
}

/** Takes everything away and puts the records in their places; what could not be taken away is reported when all else is done. */
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

/** @throws GangwayError record-unreadable for a newer gangway's */
function readJournal(text: string, path: string): Journal | undefined {
  const journal = parseJournal(text);
  if (journal !== 'newer') return journal;
  throw new GangwayError('record-unreadable', `${path} was left by a newer gangway, which was interrupted`, {
    hint: 'run any command of that version, and it brings the change to its end',
  });
}

/** A torn journal was never whole on the disk, so its first step was never taken. */
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
