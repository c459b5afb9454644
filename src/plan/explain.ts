/**
 * A plan as a shell script that does the same without gangway, with a reason for every step.
 *
 * The script is not documentation beside the program but a reading of the very list that the program applies; a test
 * runs it in a fresh machine and compares the kernel's state with what `apply` made.
 */
import { type Kinds, kindOf } from './kind.ts';
import type { Plan } from './plan.ts';
import type { Step } from './step.ts';
import { surviving } from './undo.ts';

/** The whole script, for sh(1) as root: iproute2, procps, nftables, util-linux and crun are what it calls. */
export function explainScript(plan: Plan, kinds: Kinds): string {
  return `#!/bin/sh\n# ${plan.subject}\nset -e\n${explainPlan(plan, kinds)}`;
}

/** The plan's steps alone: a comment and the commands of each. */
export function explainPlan(plan: Plan, kinds: Kinds): string {
  if (plan.steps.length === 0) return '\n# nothing to change\n';
  const making = plan.direction === 'make';
  const steps = making ? plan.steps : surviving(plan.steps).toReversed();
  return steps.map((step) => (making ? explainStep(step, kinds) : explainUndo(step, kinds))).join('');
}

function explainStep(step: Step, kinds: Kinds): string {
  return paragraph(step.why, kindOf(kinds, step).commands(step));
}

function explainUndo(step: Step, kinds: Kinds): string {
  const commands = kindOf(kinds, step).undoCommands(step);
  return commands.length === 0 ? '' : paragraph(`take back: ${step.why}`, commands);
}

function paragraph(why: string, commands: readonly string[]): string {
  return `\n# ${why}\n${commands.join('\n')}\n`;
}
