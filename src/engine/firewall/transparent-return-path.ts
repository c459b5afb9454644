/** What transparent ports share on this machine: made for the first of them, put back if somebody takes it, and swept when idle. */
import { isTransparent, returnPath } from '../../networks/transparent-source.ts';
import type { KernelHandles } from '../../plan/kernel-handles.ts';
import type { Step } from '../../plan/step.ts';
import type { Forward } from '../../values/port.ts';
import type { Context } from '../context.ts';
import { kernelFamilies } from '../host-facts.ts';
import { missing } from '../store/installed-state.ts';

/** What of it has to be made for these ports, and all of it as the machine's record will have it. */
export function wayBackFor(context: Context, world: KernelHandles, forwards: readonly Forward[]) {
  const { wayBack: standing = [] } = context.records.machine();
  if (!isTransparent(forwards)) return { steps: [], record: standing };
  const wanted = standing.length > 0 ? standing : returnPath(kernelFamilies());
  return { steps: missing(context, world, wanted), record: wanted };
}

/** What puts back what somebody has taken of it: a table that is there may have lost its chain. */
export function repairWayBack(context: Context, world: KernelHandles): readonly Step[] {
  return missing(context, world, context.records.machine().wayBack ?? []).map((step) =>
    step.kind === 'ruleset' ? { ...step, replaces: true } : step,
  );
}
