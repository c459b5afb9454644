/**
 * A plan: an ordered list of steps, and what it is for.
 *
 *     observe the kernel and the records  ->  plan (pure)  ->  apply
 *
 * Whoever makes a plan has looked at everything first and touched nothing. From the same list come the change itself
 * (apply), the commands that a person would type (explain), the way back (undo), what a crashed program was about to
 * do (journal), and whether it is still so (verify).
 */
import type { Step } from './step.ts';

export interface Plan {
  /** What the person asked for: `run web`. */
  readonly subject: string;
  /** `make` does the steps in order; `unmake` takes them back, last one first. */
  readonly direction: 'make' | 'unmake';
  readonly steps: readonly Step[];
  /** What happens besides and is no step: a sentence each, for the explanation. */
  readonly remarks?: readonly string[];
}
