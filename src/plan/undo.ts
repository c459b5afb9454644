/**
 * Undoes a plan: its steps in reverse order.
 *
 * Undo continues after errors and reports all of them at the end. A missing object counts as undone, so undoing twice,
 * or after a crash, has the same result as once.
 */

import { TeardownError } from '../values/errors.ts';
import type { KernelHandles } from './kernel-handles.ts';
import { type Kinds, kindOf, type Reversible, type TransactionKind } from './kind.ts';
import type { Step } from './step.ts';

/** @throws TeardownError with everything that could not be undone */
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

/** Undoes the steps that were applied before `error`. A failed rollback becomes the error's cause. */
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

/** The steps whose effect survives a reboot: files. The kernel starts empty, and what exists there now is not ours. */
export function persistentSteps(steps: readonly Step[]): readonly Step[] {
  return steps.filter(({ kind }) => kind === 'directory' || kind === 'file' || kind === 'archive');
}

export interface Undoing {
  readonly step: Step;
  readonly handler: Pick<Reversible<Step>, 'undo' | 'undoCommands'> | TransactionKind<Step>;
}

/**
 * The steps to undo, last one first.
 *
 * The kernel removes a namespace with its links, addresses, routes and sysctls, and both ends of a veth. Those steps
 * need no undo. The removal takes about 30 ms, so interfaces that could still answer are disabled first.
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

/**
 * The namespace whose removal also removes the step's object. Macvlan and ipvlan links are removed explicitly, without
 * waiting.
 */
function home(step: Step): string | undefined {
  if (step.kind === 'veth') return step.peer.namespace;
  return 'in' in step && step.in !== 'host' ? step.in.namespace : undefined;
}

interface Group {
  readonly steps: readonly Step[];
  undoAll(steps: readonly Step[], kernel: KernelHandles): void | Promise<void>;
}

/** Groups consecutive steps that may share a transaction. */
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

/** Inverts steps: undoing the result applies the original change. */
export function invertSteps(steps: readonly Step[]): readonly Step[] {
  return steps.toReversed().map((step): Step => {
    switch (step.kind) {
      case 'route': {
        const { link, gateway, was, ...others } = step;
        const now = gateway === undefined ? { link } : { link, gateway };
        return was === undefined ? step : { ...others, ...was, was: now };
      }
      case 'element': {
        const { element, was, ...others } = step;
        return {
          ...others,
          ...(was === undefined ? {} : { element: was }),
          ...(element === undefined ? {} : { was: element }),
        };
      }
      case 'rule': {
        const { rule, was, ...others } = step;
        return { ...others, ...(was === undefined ? {} : { rule: was }), ...(rule === undefined ? {} : { was: rule }) };
      }
      case 'file':
        return { ...step, content: step.was ?? '', was: step.content };
      case 'flows':
        return { ...step, when: step.when === 'made' ? 'undone' : 'made' };
      default:
        return step;
    }
  });
}
