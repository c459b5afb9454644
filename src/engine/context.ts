/**
 * What every operation of one engine has in hand, and how it gets the machine for itself.
 *
 * One change at a time: the lock is flock(2) on a file below /run, so that the kernel opens it for the next one however
 * its holder ends. Who gets it first completes or takes back what the holder before began (the journal), and only then
 * looks at the machine.
 */
import { existsSync } from 'node:fs';
import type { BackendName } from '../firewall/backend.ts';
import { bootId } from '../kernel/boot.ts';
import type { KernelNamespace } from '../kernel/namespace.ts';
import { type Change, type ChangeLog, executeChange, recoverChange } from '../plan/change.ts';
import { KernelHandles } from '../plan/kernel-handles.ts';
import type { Kinds } from '../plan/kind.ts';
import type { Plan } from '../plan/step.ts';
import { endOf } from '../services/events/reader.ts';
import { type Lock, lockEventually } from '../sys/flock.ts';
import { GangwayError } from '../values/errors.ts';
import { eventsPath, tell, tellUnlessTold } from './events/append.ts';
import type { Sockets } from './port-sockets.ts';
import { diskError } from './store/disk-errors.ts';
import type { Identities } from './store/id-generator.ts';
import { isServed } from './store/record.ts';
import type { Records } from './store/record-store.ts';
import type { Turns } from './store/serial-queue.ts';

export interface Context {
  readonly records: Records;
  readonly identities: Identities;
  readonly kinds: Kinds;
  readonly sockets: Sockets;
  /** The back end that was asked for. Absent: the one that is loaded, or the best one that can be had. */
  readonly firewall?: BackendName;
  readonly dryRun: boolean;
  readonly onPlan: (plan: Plan) => void;
  readonly onWarning: (sentence: string) => void;
  /** The words that run this program's clean-up: `node gangway _exited`. */
  readonly exitCommand: readonly string[];
  readonly turns: Turns;
  /** Does it bring to its end what somebody began who was killed? That takes all rights of root. */
  readonly recovers: boolean;
  /** Does it load the rules of its own version in the place of another one's? */
  readonly renews: boolean;
  /** What comes before every change: the firewall is brought to where it is wanted. */
  readonly settle: (context: Context, world: KernelHandles) => Promise<void>;
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
export async function exclusively<T>(
  context: Context,
  body: (world: KernelHandles) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  using world = new KernelHandles(context.host());
  if (context.dryRun) {
    try {
      await context.settle(context, world);
      return await body(world);
    } finally {
      context.records.assumeNothing();
    }
  }
  try {
    return await context.turns.take(() => locked(context, world, body, signal));
  } catch (error) {
    throw diskError(error, context.records.directories);
  }
}

async function locked<T>(
  context: Context,
  world: KernelHandles,
  body: (world: KernelHandles) => Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  context.records.prepare();
  const held: Lock = await lockEventually(`${context.records.directories.runtime}/lock`, signal);
  try {
    if (!context.recovers) requireNoJournal(context);
    const warnings: string[] = [];
    // What it closed is open again since its client died. What there is to say of that is said at the end.
    const onWarning = (sentence: string) => void warnings.push(sentence);
    const isServing = !(await recoverFirst(context)) || (await keepServed({ ...context, onWarning }));
    try {
      await context.settle(context, world);
      return await body(world);
    } finally {
      // What failed may have changed something before. Who was waited for in vain is not waited for again.
      if (isServing) await keepServed(context);
      else for (const sentence of warnings) context.onWarning(sentence);
    }
  } finally {
    held.release();
  }
}

/** In a world of its own: what it takes away must be known to nobody afterwards. @returns whether there was something */
async function recoverFirst(context: Context): Promise<boolean> {
  using world = new KernelHandles(context.host());
  const recovered = await recoverChange(ledger(context), context.kinds, world);
  if (recovered !== undefined) context.onWarning(recovered);
  return recovered !== undefined;
}

/**
 * Lets clients in to what the records say since now. A switchboard that was killed meanwhile takes nothing back of what
 * stands: the next one reads the records, at the end of this command.
 */
export async function letIn({ sockets }: Context, owner: string): Promise<void> {
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
async function keepServed({ records, sockets, onWarning }: Context): Promise<boolean> {
  const boot = bootId();
  // Where nobody is to be served, one that runs may still serve what a killed command took back.
  if (!sockets.isRunning() && !records.containers().some((record) => isServed(record, boot))) return true;
  try {
    for (const sentence of await sockets.follow()) onWarning(sentence);
    return true;
  } catch (error) {
    if (!(error instanceof GangwayError)) throw error;
    onWarning(`published ports and names are not served: ${error.message}`);
    return error.code !== 'switchboard-unreachable';
  }
}

/** Tells of the change, and carries it out unless this is a dry run. */
export async function carry(
  context: Context,
  world: KernelHandles,
  change: Change,
  kinds: Kinds = context.kinds,
): Promise<void> {
  context.onPlan(change.plan);
  if (!context.dryRun) await executeChange(change, ledger(context), kinds, world);
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

function ledger(context: Context): ChangeLog {
  return {
    journalPath: journalPath(context),
    appendEvents: (events) => tell(context, events),
    appendMissingEvents: (events, since) => tellUnlessTold(context, events, since),
    eventPosition: () => endOf(eventsPath(context.records)),
  };
}
