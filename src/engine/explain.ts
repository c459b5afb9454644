/** A plan as a script, with every kind of step that the engine knows. */
import { explainScript } from '../plan/explain.ts';
import { kernelKinds } from '../plan/kinds/index.ts';
import type { Plan } from '../plan/plan.ts';
import { execKind, processKind } from './process-kind.ts';

export function explain(plan: Plan): string {
  return explainScript(plan, { ...kernelKinds, process: processKind(), exec: execKind() });
}
