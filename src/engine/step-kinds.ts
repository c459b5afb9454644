/** Every kind of step that a plan of the engine is made of. */
import { iptablesKinds } from '../firewall/iptables/kinds.ts';
import { explainScript } from '../plan/explain.ts';
import type { Kinds } from '../plan/kind.ts';
import { kernelKinds } from '../plan/kinds/index.ts';
import type { Plan } from '../plan/plan.ts';
import { execKind, processKind } from './container/process-step.ts';

export function everyKind(): Kinds {
  return { ...kernelKinds, ...iptablesKinds, process: processKind(), exec: execKind() };
}

export function explain(plan: Plan): string {
  return explainScript(plan, everyKind());
}
