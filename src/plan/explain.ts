/**
 * A plan as a shell script that does the same without gangway, with a reason for every step.
 *
 * The script is not documentation beside the program but a reading of the very list that the program applies; a test
 * runs it in a fresh machine and compares the kernel's state with what `apply` made.
 */
import { type Kinds, kindOf } from './kind.ts';
import type { Plan } from './plan.ts';
import { undoOrder } from './undo.ts';

/**
 * The whole script, for sh(1) as root: iproute2, procps, nftables, util-linux and crun are what it calls. Modes that no
 * command names are the usual ones, whoever types it: a container's other users have to read its files.
 */
export function explainScript(plan: Plan, kinds: Kinds): string {
  return `#!/bin/sh\n# ${plan.subject}\nset -e\numask 022\n${explainPlan(plan, kinds)}`;
}

/** The plan's steps alone: a comment and the commands of each. */
function explainPlan(plan: Plan, kinds: Kinds): string {
  if (plan.steps.length === 0) return `\n# nothing to change\n${remarks(plan)}`;
  const told =
    plan.direction === 'make'
      ? plan.steps.map((step) => ({ why: step.why, commands: kindOf(kinds, step).commands(step) }))
      : undoOrder(plan.steps, kinds).map(({ step, handler: manner }) => ({
          why: `take back: ${step.why}`,
          commands: manner.undoCommands(step),
        }));
  return [...paragraphs(told), remarks(plan)].join('');
}

function remarks({ remarks = [] }: Plan): string {
  return remarks.length === 0 ? '' : `\n${remarks.map((remark) => `# ${remark}\n`).join('')}`;
}

interface Told {
  readonly why: string;
  readonly commands: readonly string[];
}

/** Neighbours with the same reason stand under one comment. */
function paragraphs(all: readonly Told[]): readonly string[] {
  const result: string[] = [];
  let last: string | undefined;
  for (const { why, commands } of all) {
    if (commands.length === 0) continue;
    result.push(`${why === last ? '' : `\n# ${why}\n`}${commands.join('\n')}\n`);
    last = why;
  }
  return result;
}
