/**
 * Is it so in the kernel?
 *
 * A dry run tells what comes before every change (settle.ts), and makes none of it. From then on it reads records as they would
 * be, and of the firewall the kernel tells nothing: facts are where a record has them, moved as the firewall may be, and
 * rules that no record has are of another boot, and gone.
 */
import { isFirewallStep } from '../../firewall/backend.ts';
import type { KernelHandles } from '../../plan/kernel-handles.ts';
import { type Kinds, kindOf } from '../../plan/kind.ts';
import type { Step } from '../../plan/step.ts';
import type { Records } from './record-store.ts';

/** As much of an engine's context as is asked here. */
interface StateSource {
  readonly records: Records;
  readonly kinds: Kinds;
}

export function isInstalled({ kinds }: Pick<StateSource, 'kinds'>, world: KernelHandles, step: Step): boolean {
  return kindOf(kinds, step).holds(step, world);
}

/** Those that are not so. */
export function missingSteps<S extends Step>(
  known: Pick<StateSource, 'kinds'>,
  world: KernelHandles,
  steps: readonly S[],
): readonly S[] {
  return steps.filter((step) => !isInstalled(known, world, step));
}

/** Is that of which a record says that it stands? */
export function isInstalledAsRecorded(known: StateSource, world: KernelHandles, step: Step): boolean {
  return (known.records.areAssumed && isFirewallStep(step)) || isInstalled(known, world, step);
}

/** Are rules there of which no record says that they are? */
export function areInstalledUnrecorded(known: StateSource, world: KernelHandles, rules: readonly Step[]): boolean {
  return !known.records.areAssumed && missingSteps(known, world, rules).length === 0;
}
