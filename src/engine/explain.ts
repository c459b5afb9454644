/** A plan as a script, with every kind of step that the engine knows. */
import { explainScript } from '../plan/explain.ts';
import type { Plan } from '../plan/step.ts';
import { everyKind } from './step-kinds.ts';

export function explain(plan: Plan): string {
  return explainScript(plan, everyKind());
}
