import type { Step } from './step.ts';

/** The steps whose undoing does what these do: each goes from what is to what was. */
export function invertSteps(steps: readonly Step[]): readonly Step[] {
  return steps.toReversed().map((step): Step => {
    switch (step.kind) {
      case 'route': {
        const { link, gateway, was, ...others } = step;
        const now = gateway === undefined ? { link } : { link, gateway };
        return was === undefined ? step : { ...others, ...was, was: now };
      }
      case 'element': {
        const { element, was, ...others } = step;
        return {
          ...others,
          ...(was === undefined ? {} : { element: was }),
          ...(element === undefined ? {} : { was: element }),
        };
      }
      case 'rule': {
        const { rule, was, ...others } = step;
        return { ...others, ...(was === undefined ? {} : { rule: was }), ...(rule === undefined ? {} : { was: rule }) };
      }
      case 'file':
        return { ...step, content: step.was ?? '', was: step.content };
      case 'flows':
        return { ...step, when: step.when === 'made' ? 'undone' : 'made' };
      default:
        return step;
    }
  });
}
