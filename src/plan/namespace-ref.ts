/** What all steps have: a place in which they happen, most of them, and a reason. */

/** Where a step happens: on the machine itself, or in a pinned network namespace, by its name below /run/netns. */
export type Place = 'host' | { readonly namespace: string };

export function samePlace(a: Place, b: Place): boolean {
  return a === b || (a !== 'host' && b !== 'host' && a.namespace === b.namespace);
}

/** One sentence, for a learner, without a final stop. */
export interface Reasoned {
  readonly why: string;
}
