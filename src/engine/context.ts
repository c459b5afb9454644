/**
 * The context of an engine's operations, the lock, and the journal.
 *
 *     withLock:  flock  ->  recover the journal  ->  reconcile the firewall  ->  the operation  ->  refresh the switchboard
 *
 * One change at a time: the lock is flock(2) on a file below /run, which the kernel releases when its holder exits in any
 * way. The next holder first completes or rolls back the change that a killed command left in the journal.
 */
import { existsSync } from 'node:fs';
import type { BackendName } from '../firewall/backend.ts';
import { bootId } from '../kernel/boot.ts';
import type { KernelNamespace } from '../kernel/namespace.ts';
import { type Change, type ChangeLog, executeChange, recoverChange } from '../plan/change.ts';
import { KernelHandles } from '../plan/kernel-handles.ts';
import type { Kinds } from '../plan/kind.ts';
import type { Plan } from '../plan/plan.ts';
import { endOf } from '../services/events/reader.ts';
import { type Lock, lockEventually } from '../sys/flock.ts';
import { GangwayError } from '../values/errors.ts';
import type { Forward } from '../values/port.ts';
import { eventsPath, logEvents, logMissingEvents } from './events/append.ts';
import type { RelayTraffic } from './results.ts';
import { diskError } from './store/directories.ts';
import type { Identities } from './store/id-generator.ts';
import { type ContainerRecord, isServed } from './store/record.ts';
import type { Records } from './store/record-store.ts';

export interface Context {
  readonly records: Records;
  readonly identities: Identities;
  readonly kinds: Kinds;
  readonly sockets: PortSockets;
  /** The back end that was asked for. Absent: the one that is loaded, or the best one that can be had. */
  readonly firewall?: BackendName;
  readonly dryRun: boolean;
  readonly onPlan: (plan: Plan) => void;
  readonly onWarning: (sentence: string) => void;
  /** The words that run this program's clean-up: `node gangway _exited`. */
  readonly exitCommand: readonly string[];
  readonly queue: SerialQueue;
  /** Does it bring to its end what somebody began who was killed? That takes all rights of root. */
  readonly canRecover: boolean;
  /** Does it load the rules of its own version in the place of another one's? */
  readonly canReloadRules: boolean;
  /** What comes before every change: the firewall is brought to where it is wanted. */
  readonly reconcileFirewall: (context: Context, world: KernelHandles) => Promise<void>;
  /** The machine's own namespace, with its sockets, opened when it is first needed. */
  readonly host: () => KernelNamespace;
  /** Closes that one. It is opened again when it is needed again. */
  readonly close: () => void;
}

/**
 * Runs `body` while nobody else changes anything.
 *
 * A dry run takes no lock: it reads what is there and writes nothing.
 *
 * @param signal ends the wait for the lock, and nothing that has begun
 * @throws AbortError then
 */
export async function withLock<T>(
  context: Context,
  body: (world: KernelHandles) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  using world = new KernelHandles(context.host());
  if (context.dryRun) {
    try {
      await context.reconcileFirewall(context, world);
      return await body(world);
    } finally {
      context.records.assumeNothing();
    }
  }
  try {
    return await context.queue.run(() => runLocked(context, world, body, signal));
  } catch (error) {
    throw diskError(error, context.records.directories);
  }
}

async function runLocked<T>(
  context: Context,
  world: KernelHandles,
  body: (world: KernelHandles) => Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  context.records.prepare();
  const held: Lock = await lockEventually(`${context.records.directories.runtime}/lock`, signal);
  try {
    if (!context.canRecover) requireNoJournal(context);
    const warnings: string[] = [];
    // What it closed is open again since its client died. What there is to say of that is said at the end.
    const onWarning = (sentence: string) => void warnings.push(sentence);
    const isServing = !(await recoverJournal(context)) || (await refreshSwitchboard({ ...context, onWarning }));
    try {
      await context.reconcileFirewall(context, world);
      return await body(world);
    } finally {
      // What failed may have changed something before. Who was waited for in vain is not waited for again.
      if (isServing) await refreshSwitchboard(context);
      else for (const sentence of warnings) context.onWarning(sentence);
    }
  } finally {
    held.release();
  }
}

/** In a world of its own: what it takes away must be known to nobody afterwards. @returns whether there was something */
async function recoverJournal(context: Context): Promise<boolean> {
  using world = new KernelHandles(context.host());
  const recovered = await recoverChange(changeLog(context), context.kinds, world);
  if (recovered !== undefined) context.onWarning(recovered);
  return recovered !== undefined;
}

/**
 * Lets clients in to what the records say since now. A switchboard that was killed meanwhile takes nothing back of what
 * stands: the next one reads the records, at the end of this command.
 */
export async function openPorts({ sockets }: Context, owner: string): Promise<void> {
  try {
    await sockets.serve(owner);
  } catch (error) {
    if (!(error instanceof GangwayError && error.code === 'switchboard-unreachable')) throw error;
  }
}

/**
 * Published ports and names follow from the records, which this command may have changed; and the switchboard may have
 * been killed since: then it is started again. If it can't, that is told, but what this command did has happened all the
 * same.
 *
 * @returns whether the switchboard could be reached
 */
async function refreshSwitchboard({ records, sockets, onWarning }: Context): Promise<boolean> {
  const boot = bootId();
  // Where nobody is to be served, one that runs may still serve what a killed command took back.
  if (!sockets.isRunning() && !records.containers().some((record) => isServed(record, boot))) return true;
  try {
    for (const sentence of await sockets.synchronize()) onWarning(sentence);
    return true;
  } catch (error) {
    if (!(error instanceof GangwayError)) throw error;
    onWarning(`published ports and names are not served: ${error.message}`);
    return error.code !== 'switchboard-unreachable';
  }
}

/** Tells of the change, and carries it out unless this is a dry run. */
export async function applyChange(
  context: Context,
  world: KernelHandles,
  change: Change,
  kinds: Kinds = context.kinds,
): Promise<void> {
  context.onPlan(change.plan);
  if (!context.dryRun) await executeChange(change, changeLog(context), kinds, world);
}

/** @throws GangwayError program-failed */
function requireNoJournal(context: Context): void {
  if (!existsSync(journalPath(context))) return;
  throw new GangwayError(
    'program-failed',
    'a command was killed half-way, and what it began is for the next one to end',
  );
}

export function journalPath({ records }: Context): string {
  return `${records.directories.runtime}/journal.json`;
}

function changeLog(context: Context): ChangeLog {
  return {
    journalPath: journalPath(context),
    appendEvents: (events) => logEvents(context, events),
    appendMissingEvents: (events, since) => logMissingEvents(context, events, since),
    eventPosition: () => endOf(eventsPath(context.records)),
  };
}

export interface PortSockets {
  /**
   * To be followed by `reserve` or `cancel`.
   *
   * @throws GangwayError not-supported where the limit of open files has no room for so many sockets more
   */
  requireRoom(owner: string, sockets: number): Promise<void>;
  /**
   * Binds all of them, deaf until `serve`, or none.
   *
   * @throws GangwayError port-in-use, with who has it
   */
  reserve(owner: string, forwards: readonly Forward[], name: string): Promise<void>;
  /** The plan failed: what was reserved is free again. What the owner serves already stays. */
  cancel(owner: string): Promise<void>;
  /** The plan stands: clients may come in. */
  serve(owner: string): Promise<void>;
  /**
   * Opens the name server of a container that is about to start, whose record is not written yet. It is given up unless
   * `follow` finds the record.
   */
  openNameServer(record: ContainerRecord): Promise<void>;
  /** What each of them has carried. */
  readTraffic(): Promise<readonly RelayTraffic[]>;
  /** Is there a switchboard, or the file of one that was killed? */
  isRunning(): boolean;
  /** Removes what is left of a switchboard that was killed; the next one makes its own. */
  removeLeftovers(): void;
  /** Closes those of the owner's ports that are not among these. Where no switchboard is running, all are closed. */
  keepOnly(owner: string, forwards: readonly Forward[], name: string): Promise<void>;
  /** Closes the owner's sockets, of ports and names. What is closed already is closed. */
  withdraw(owner: string): Promise<void>;
  /** Makes what is served what the records say, starting a switchboard where none is running. @returns sentences about what can't be */
  synchronize(): Promise<readonly string[]>;
}

/** One after the other, in the order in which they came: the lock is for other processes, this is for one engine's calls. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work);
    // Whoever comes next waits for the end, however it was; the error is for who asked.
    this.#last = Promise.allSettled([mine]);
    return mine;
  }
}
