/**
 * The way back: a plan's steps in reverse.
 *
 * It goes on whatever happens and reports everything at the end. A step whose object is gone already counts as taken
 * back, so that undoing twice, or after a crash, is the same as undoing once.
 */
import { TeardownError } from '../values/errors.ts';
import { type Kinds, kindOf } from './kind.ts';
import { undoElements } from './kinds/firewall.ts';
import { samePlace } from './place.ts';
import type { ElementStep, Step } from './step.ts';
import type { World } from './world.ts';

/**
 * Takes the steps back, last one first.
 *
 * @throws TeardownError with everything that could not be taken back
 */
export async function undo(subject: string, steps: readonly Step[], kinds: Kinds, world: World): Promise<void> {
  const errors: unknown[] = [];
  for (const group of groups(wayBack(steps, kinds))) {
    try {
      const outcome = undoGroup(group, world);
      if (outcome !== undefined) await outcome;
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw new TeardownError(subject, errors);
}

/** Takes back what was done before `error`. Should that fail too, it stands in the error as its cause. */
export async function takeBack(
  subject: string,
  done: readonly Step[],
  kinds: Kinds,
  world: World,
  error: unknown,
): Promise<void> {
  try {
    await undo(subject, done, kinds, world);
  } catch (teardown) {
    if (error instanceof Error && teardown instanceof TeardownError) error.cause ??= teardown;
    else throw teardown;
  }
}

/** What outlives a boot: files. All that was done to the kernel it has forgotten, and what is there now is somebody else's. */
export function lasting(steps: readonly Step[]): readonly Step[] {
  return steps.filter(({ kind }) => kind === 'directory' || kind === 'file' || kind === 'archive');
}

/** A step and the manner in which it ends. */
export interface Undoing {
  readonly step: Step;
  undo(step: Step, world: World): void | Promise<void>;
  undoCommands(step: Step): readonly string[];
}

/**
 * The way back, last step first.
 *
 * When a namespace goes as a whole, the kernel frees what lives in it: links, addresses, routes, settings, and both ends
 * of a veth of which one end is in there. Such steps need no undoing. But the kernel does it when it has time for it,
 * some 30 ms later; so what could still answer meanwhile is silenced.
 */
export function wayBack(steps: readonly Step[], kinds: Kinds): readonly Undoing[] {
  const removed = new Set(steps.flatMap((step) => (step.kind === 'namespace' ? [step.name] : [])));
  return steps.toReversed().flatMap((step): readonly Undoing[] => {
    const kind = kindOf(kinds, step);
    const manner = removed.has(home(step) ?? '') ? kind.silence : kind;
    return manner === undefined
      ? []
      : [
          {
            step,
            undo: (which, world) => manner.undo(which, world),
            undoCommands: (which) => manner.undoCommands(which),
          },
        ];
  });
}

/** The namespace with which a step's object ends. A macvlan's and an ipvlan's is not waited for. */
function home(step: Step): string | undefined {
  if (step.kind === 'veth') return step.peer.namespace;
  return 'in' in step && step.in !== 'host' ? step.in.namespace : undefined;
}

/** Neighbouring elements of one table go in one transaction, all else by itself. */
function* groups(all: readonly Undoing[]): Generator<Undoing | readonly ElementStep[]> {
  let elements: ElementStep[] = [];
  for (const undoing of all) {
    const { step } = undoing;
    const [first] = elements;
    if (first !== undefined && (step.kind !== 'element' || !sameTable(first, step))) {
      yield elements;
      elements = [];
    }
    if (step.kind === 'element') elements.push(step);
    else yield undoing;
  }
  if (elements.length > 0) yield elements;
}

function sameTable(a: ElementStep, b: ElementStep): boolean {
  return a.table === b.table && samePlace(a.in, b.in);
}

function undoGroup(group: Undoing | readonly ElementStep[], world: World): void | Promise<void> {
  if ('step' in group) return group.undo(group.step, world);
  return undoElements(group, (step) => world.namespace(step.in).netfilter);
}
