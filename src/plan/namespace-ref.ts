/** What all steps have: a place in which they happen, most of them, and a reason. */

/** Where a step happens: on the machine itself, or in a pinned network namespace, by its name below /run/netns. */
export type NamespaceRef = 'host' | { readonly namespace: string };

export function sameNamespace(a: NamespaceRef, b: NamespaceRef): boolean {
  return a === b || (a !== 'host' && b !== 'host' && a.namespace === b.namespace);
}

/** One sentence, for a learner, without a final stop. */
export interface Reasoned {
  readonly why: string;
}
