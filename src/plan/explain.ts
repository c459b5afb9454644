/**
 * Renders a plan as a shell script that does the same without gangway, with the reason of each step.
 *
 * The script is made from the same steps that `apply` executes. A test runs it on a fresh host and compares the
 * kernel's state.
 */
import { type Kinds, kindOf } from './kind.ts';
import type { Plan } from './step.ts';
import { undoOrder } from './undo.ts';

/**
 * The script, for sh(1) as root with iproute2, procps, nftables, util-linux and crun. `umask 022` keeps files readable
 * for other users of the container.
 */
export function explainScript(plan: Plan, kinds: Kinds): string {
  return `#!/bin/sh\n# ${plan.subject}\nset -e\numask 022\n${explainPlan(plan, kinds)}`;
}

function explainPlan(plan: Plan, kinds: Kinds): string {
  if (plan.steps.length === 0) return `\n# nothing to change\n${remarks(plan)}`;
  const explained =
    plan.direction === 'make'
      ? plan.steps.map((step) => ({ why: step.why, commands: kindOf(kinds, step).commands(step) }))
      : undoOrder(plan.steps, kinds).map(({ step, handler: manner }) => ({
          why: `undo: ${step.why}`,
          commands: manner.undoCommands(step),
        }));
  return [...paragraphs(explained), remarks(plan)].join('');
}

function remarks({ remarks = [] }: Plan): string {
  return remarks.length === 0 ? '' : `\n${remarks.map((remark) => `# ${remark}\n`).join('')}`;
}

interface ExplainedStep {
  readonly why: string;
  readonly commands: readonly string[];
}

/** Consecutive steps with the same reason share one comment. */
function paragraphs(all: readonly ExplainedStep[]): readonly string[] {
  const result: string[] = [];
  let last: string | undefined;
  for (const { why, commands } of all) {
    if (commands.length === 0) continue;
    result.push(`${why === last ? '' : `\n# ${why}\n`}${commands.join('\n')}\n`);
    last = why;
  }
  return result;
}
