/**
 * The way back: a plan's steps in reverse.
 *
 * It goes on whatever happens and reports everything at the end. A step whose object is gone already counts as taken
 * back, so that undoing twice, or after a crash, is the same as undoing once.
 */
import { TeardownError } from '../values/errors.ts';
import { type Kinds, kindOf } from './kind.ts';
import { undoElements } from './kinds/firewall.ts';
import type { ElementStep, Step } from './step.ts';
import type { World } from './world.ts';

/**
 * Takes the steps back, last one first.
 *
 * @throws TeardownError with everything that could not be taken back
 */
export async function undo(subject: string, steps: readonly Step[], kinds: Kinds, world: World): Promise<void> {
  const errors: unknown[] = [];
  for (const group of groups(surviving(steps).toReversed())) {
    try {
      await undoGroup(group, kinds, world);
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw new TeardownError(subject, errors);
}

/**
 * The steps that must be taken back by hand, when a namespace goes as a whole.
 *
 * The kernel frees what lives in a namespace: links, routes, settings, and both ends of a veth of which one end is in
 * there. But it does so when it has time for it, some 30 ms later. So the addresses are taken away first: from that
 * moment nothing answers any more.
 */
export function surviving(steps: readonly Step[]): readonly Step[] {
  const removed = new Set(steps.flatMap((step) => (step.kind === 'namespace' ? [step.name] : [])));
  return steps.filter((step) => step.kind === 'address' || !removed.has(home(step) ?? ''));
}

/** The namespace with which a step's object ends. */
function home(step: Step): string | undefined {
  if (step.kind === 'veth') return step.peer.namespace;
  return 'in' in step && step.in !== 'host' ? step.in.namespace : undefined;
}

function* groups(steps: readonly Step[]): Generator<Step | readonly ElementStep[]> {
  let elements: ElementStep[] = [];
  for (const step of steps) {
    if (step.kind === 'element') {
      elements.push(step);
      continue;
    }
    if (elements.length > 0) yield elements;
    elements = [];
    yield step;
  }
  if (elements.length > 0) yield elements;
}

function undoGroup(group: Step | readonly ElementStep[], kinds: Kinds, world: World): void | Promise<void> {
  if (!('kind' in group)) return undoElements(group, (step) => world.namespace(step.in).netfilter);
  return kindOf(kinds, group).undo(group, world);
}
