/**
 * Applies a plan: in as few system calls as the kernel allows, and with the way back at hand.
 *
 * Neighbouring steps that are rtnetlink requests of one place travel in one sendmsg(2), neighbouring elements or rules in
 * one transaction, neighbouring settings in one visit. What looks like a loop over steps is a loop over batches.
 *
 *     sysctl sysctl | veth hairpin | address up route | element element element
 *     one visit       one call       one call           one transaction
 */
import type { Request } from '../netlink/message.ts';
import { GangwayError, hasErrno, ignoring } from '../values/errors.ts';
import type { KernelHandles } from './kernel-handles.ts';
import {
  type ActionKind,
  type InNamespaceKind,
  type Kinds,
  kindOf,
  type RequestKind,
  type TransactionKind,
} from './kind.ts';
import { type NamespaceRef, sameNamespace } from './namespace-ref.ts';
import type { Step } from './step.ts';
import { rollBack } from './undo.ts';

/**
 * Does the steps in order. An error half-way takes back what was done, and is thrown.
 *
 * @throws KernelError or GangwayError of the step that failed; its `cause` is a TeardownError if the way back failed too
 */
export async function apply(
  subject: string,
  steps: readonly Step[],
  kinds: Kinds,
  kernel: KernelHandles,
): Promise<void> {
  const done: Step[] = [];
  try {
    for (const batch of batches(steps, kinds)) {
      const outcome = applyBatch(batch, kinds, kernel, done);
      if (outcome !== undefined) await outcome;
    }
  } catch (error) {
    await rollBack(subject, done, kinds, kernel, error);
    throw error;
  }
}

/** Appends each step to `done` as soon as it may have left a trace. */
function applyBatch(batch: readonly Step[], kinds: Kinds, kernel: KernelHandles, done: Step[]): void | Promise<void> {
  const [first] = batch;
  if (first === undefined) return;
  const kind = kindOf(kinds, first);
  if ('requests' in kind) return applyRequests(batch as readonly PlacedStep[], kinds, kernel, done);
  if ('applyAll' in kind) return applyTransaction(batch, kind, kernel, done);
  if ('applyInside' in kind) return visitPlace(batch as readonly PlacedStep[], kinds, kernel, done);
  return applyAction(first, kind, kernel, done);
}

function applyTransaction(
  batch: readonly Step[],
  kind: TransactionKind<Step>,
  kernel: KernelHandles,
  done: Step[],
): void | Promise<void> {
  try {
    const outcome = kind.applyAll(batch, kernel);
    if (outcome !== undefined) return outcome.then(() => void done.push(...batch));
  } catch (error) {
    if (hasErrno(error, ...unanswered)) done.push(...batch);
    throw error;
  }
  done.push(...batch);
}

/** The kernel may have carried it out, and what it said of it is lost. */
const unanswered = ['ENOBUFS', 'ENOMSG'];

/** An action may fail half-way, and is taken back then; but what was there already is somebody else's, and stays. */
async function applyAction(step: Step, kind: ActionKind<Step>, kernel: KernelHandles, done: Step[]): Promise<void> {
  try {
    await kind.apply(step, kernel);
    done.push(step);
  } catch (error) {
    const reason = error instanceof GangwayError ? error.cause : error;
    if (!hasErrno(reason, 'EEXIST')) done.push(step);
    throw error;
  }
}

function visitPlace(batch: readonly PlacedStep[], kinds: Kinds, kernel: KernelHandles, done: Step[]): void {
  const [first] = batch;
  if (first === undefined) return;
  kernel.runInside(first.in, () => {
    for (const step of batch) {
      (kindOf(kinds, step) as InNamespaceKind<PlacedStep>).applyInside(step, kernel);
      done.push(step);
    }
  });
}

type PlacedStep = Extract<Step, { readonly in: NamespaceRef }>;

/**
 * Sends the requests of one place together. An address wants the index of a link that an earlier step of the batch is
 * only about to make: then the earlier ones are sent first.
 */
function applyRequests(batch: readonly PlacedStep[], kinds: Kinds, kernel: KernelHandles, done: Step[]): void {
  let pending: Request[] = [];
  let waiting: Step[] = [];
  const flush = () => {
    const [first] = batch;
    if (pending.length === 0 || first === undefined) return;
    const { route } = kernel.namespace(first.in);
    const sent = done.length;
    // As long as nobody has heard otherwise, all of them have left a trace.
    done.push(...waiting);
    const failures = route.executeEach(pending);
    done.splice(sent, waiting.length, ...waiting.filter((_, index) => failures[index] === undefined));
    pending = [];
    waiting = [];
    const failure = failures.find((error) => error !== undefined);
    if (failure !== undefined) throw failure;
  };
  for (const step of batch) {
    const kind = kindOf(kinds, step) as RequestKind<PlacedStep>;
    const ready = pending.length === 0 ? undefined : ignoring('ENODEV', () => kind.requests(step, kernel));
    if (ready === undefined) flush();
    pending.push(...(ready ?? kind.requests(step, kernel)));
    waiting.push(step);
  }
  flush();
}

function* batches(steps: readonly Step[], kinds: Kinds): Generator<readonly Step[]> {
  let batch: Step[] = [];
  for (const step of steps) {
    const [first] = batch;
    if (first !== undefined && !together(first, step, kinds)) {
      yield batch;
      batch = [];
    }
    batch.push(step);
  }
  if (batch.length > 0) yield batch;
}

function together(a: Step, b: Step, kinds: Kinds): boolean {
  if (!('in' in a) || !('in' in b) || !sameNamespace(a.in, b.in)) return false;
  const [left, right] = [kindOf(kinds, a), kindOf(kinds, b)];
  if ('requests' in left) return 'requests' in right;
  if ('applyInside' in left) return 'applyInside' in right;
  return a.kind === b.kind && 'canBatch' in left && left.canBatch(a, b);
}
