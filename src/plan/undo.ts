/**
 * The way back: a plan's steps in reverse.
 *
 * It goes on whatever happens and reports everything at the end. A step whose object is gone already counts as taken
 * back, so that undoing twice, or after a crash, is the same as undoing once.
 */
import { TeardownError } from '../values/errors.ts';
import type { KernelHandles } from './kernel-handles.ts';
import { type Kinds, kindOf, type Reversible, type TransactionKind } from './kind.ts';
import type { Step } from './step.ts';

/**
 * Takes the steps back, last one first.
 *
 * @throws TeardownError with everything that could not be taken back
 */
export async function undo(
  subject: string,
  steps: readonly Step[],
  kinds: Kinds,
  kernel: KernelHandles,
): Promise<void> {
  const errors: unknown[] = [];
  for (const group of groups(undoOrder(steps, kinds))) {
    try {
      const outcome = group.undoAll(group.steps, kernel);
      if (outcome !== undefined) await outcome;
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw new TeardownError(subject, errors);
}

/** Takes back what was done before `error`. Should that fail too, it stands in the error as its cause. */
export async function rollBack(
  subject: string,
  done: readonly Step[],
  kinds: Kinds,
  kernel: KernelHandles,
  error: unknown,
): Promise<void> {
  try {
    await undo(subject, done, kinds, kernel);
  } catch (teardown) {
    if (error instanceof Error && teardown instanceof TeardownError) error.cause ??= teardown;
    else throw teardown;
  }
}

/** What outlives a boot: files. All that was done to the kernel it has forgotten, and what is there now is somebody else's. */
export function persistentSteps(steps: readonly Step[]): readonly Step[] {
  return steps.filter(({ kind }) => kind === 'directory' || kind === 'file' || kind === 'archive');
}

/** A step and the manner in which it ends. */
export interface Undoing {
  readonly step: Step;
  readonly handler: Pick<Reversible<Step>, 'undo' | 'undoCommands'> | TransactionKind<Step>;
}

/**
 * The way back, last step first.
 *
 * When a namespace goes as a whole, the kernel frees what lives in it: links, addresses, routes, settings, and both ends
 * of a veth of which one end is in there. Such steps need no undoing. But the kernel does it when it has time for it,
 * some 30 ms later; so what could still answer meanwhile is silenced.
 */
export function undoOrder(steps: readonly Step[], kinds: Kinds): readonly Undoing[] {
  const removed = new Set(steps.flatMap((step) => (step.kind === 'namespace' ? [step.name] : [])));
  const all = steps.toReversed().flatMap((step): readonly Undoing[] => {
    const kind = kindOf(kinds, step);
    const manner = removed.has(home(step) ?? '') ? kind.disable : kind;
    return manner === undefined ? [] : [{ step, handler: manner }];
  });
  return gathered(all);
}

/** Moves the steps of kinds with `gathersUndo` to the place of the last of them. */
function gathered(all: readonly Undoing[]): readonly Undoing[] {
  const together = all.filter(({ handler }) => 'canBatch' in handler && handler.gathersUndo === true);
  const last = together.at(-1);
  const moved = new Set(together);
  return all.flatMap((undoing) => {
    if (undoing === last) return together;
    return moved.has(undoing) ? [] : [undoing];
  });
}

/** The namespace with which a step's object ends. A macvlan's and an ipvlan's is not waited for. */
function home(step: Step): string | undefined {
  if (step.kind === 'veth') return step.peer.namespace;
  return 'in' in step && step.in !== 'host' ? step.in.namespace : undefined;
}

interface Group {
  readonly steps: readonly Step[];
  undoAll(steps: readonly Step[], kernel: KernelHandles): void | Promise<void>;
}

/** Neighbours that may go in one transaction do, all else by itself. */
function* groups(all: readonly Undoing[]): Generator<Group> {
  let steps: Step[] = [];
  let kind: TransactionKind<Step> | undefined;
  for (const { step, handler: manner } of all) {
    const [first] = steps;
    if (kind !== undefined && !(manner === kind && first !== undefined && kind.canBatch(first, step))) {
      yield { steps, undoAll: kind.undoAll };
      steps = [];
      kind = undefined;
    }
    if ('canBatch' in manner) {
      steps.push(step);
      kind = manner;
    } else yield { steps: [step], undoAll: (_, kernel) => manner.undo(step, kernel) };
  }
  if (kind !== undefined) yield { steps, undoAll: kind.undoAll };
}
