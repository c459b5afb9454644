/** Plans as one shell script: the first one brings the head, the others follow it. */
import { processKind } from '../engine/process-kind.ts';
import { explainPlan, explainScript } from '../plan/explain.ts';
import { kernelKinds } from '../plan/kinds/index.ts';
import type { Plan } from '../plan/plan.ts';

/** @returns a function to be called with each plan of a command, in order */
export function scriptWriter(): (plan: Plan) => string {
  const kinds = { ...kernelKinds, process: processKind() };
  let begun = false;
  return (plan) => {
    const text = begun ? `\n# ${plan.subject}\n${explainPlan(plan, kinds)}` : explainScript(plan, kinds);
    begun = true;
    return text;
  };
}
