/** The port guard as a whole: its rules, and what they have to know of all who live. */

import { installedAntiSpoofing, isAntiSpoofingStep, loadAntiSpoofing } from '../../firewall/anti-spoofing.ts';
import { unrecordedSteps } from '../../firewall/backend.ts';
import { bootId } from '../../kernel/boot.ts';
import { hasAntiSpoofing } from '../../networks/anti-spoofing.ts';
import type { Change } from '../../plan/change.ts';
import type { KernelHandles } from '../../plan/kernel-handles.ts';
import type { Kinds } from '../../plan/kind.ts';
import type { ElementStep, RulesetStep, Step } from '../../plan/step.ts';
import { areInstalledUnrecorded } from '../store/installed-state.ts';
import { containersWithRun, type NetworkRecord, stepsOf } from '../store/record.ts';
import type { Records } from '../store/record-store.ts';

/** As much of an engine's context as is asked here. */
interface Known {
  readonly records: Records;
  readonly kinds: Kinds;
}

interface Raised {
  readonly rules: readonly RulesetStep[];
  readonly known: readonly ElementStep[];
}

/** What has to be made for networks to be guarded, if some are to be, and for whoever is guarded already. */
export function raiseGuard(context: Known, world: KernelHandles, networks: readonly NetworkRecord[]): Raised {
  const known = livingGuards(context);
  const needed = known.length > 0 || networks.some(({ network }) => hasAntiSpoofing(network));
  const rules = loadAntiSpoofing();
  // What a record says is loaded has been looked at before this change (settle.ts).
  const raised = (context.records.machine().guard ?? []).length > 0 || areInstalledUnrecorded(context, world, [rules]);
  return !needed || raised ? { rules: [], known: [] } : { rules: [rules], known };
}

export function livingGuards({ records }: Known): readonly ElementStep[] {
  return containersWithRun(records.containers(), bootId()).flatMap(({ life }) =>
    stepsOf(life).filter(isAntiSpoofingStep),
  );
}

/** Rules in the place of those that are there, or were, with everything that they have to know, in one transaction. */
export function reloadGuard(context: Known, rules: RulesetStep): RulesetStep {
  const facts = livingGuards(context).flatMap(({ element }) => element ?? []);
  return { ...rules, facts, replaces: true };
}

/** What takes the guard away, whether we know that it is there or not. */
export function lowerGuard(context: Known, world: KernelHandles): readonly Step[] {
  const { guard = [] } = context.records.machine();
  const rules = loadAntiSpoofing();
  return guard.length === 0 && areInstalledUnrecorded(context, world, [rules]) ? [rules] : guard;
}

/** Elements that the guard has of nobody: of no container that we know of. */
export function forgottenGuards({ records }: Known, world: KernelHandles, why: string): readonly ElementStep[] {
  const wanted = records
    .everyContainer()
    .flatMap(({ life }) => (life === undefined ? [] : stepsOf(life)))
    .filter(isAntiSpoofingStep);
  return unrecordedSteps(wanted, installedAntiSpoofing(world, why));
}

/** Puts the rules of this version of gangway in the place of those of another one. */
export function guardMoves(context: Known): readonly Change[] {
  const { records } = context;
  if (!records.isMachineReadable) return [];
  const machine = records.machine();
  const [old] = machine.guard ?? [];
  if (old === undefined) return [];
  const rules = loadAntiSpoofing();
  if (old.kind === 'ruleset' && old.text === rules.text) return [];
  const steps = [reloadGuard(context, rules)];
  return [
    {
      plan: { subject: 'load the port guard of this version', direction: 'make', steps },
      records: [records.putMachine({ ...machine, guard: [rules] })],
    },
  ];
}
