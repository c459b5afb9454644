/**
 * What a kind of step knows: how its steps are done, taken back, recognised and told.
 */
import type { Request } from '../netlink/message.ts';
import type { KernelHandles } from './kernel-handles.ts';
import type { NamespaceRef } from './namespace-ref.ts';
import type { Step, StepOf } from './step.ts';

/** What every kind knows: how a step is told and recognised, and how it is taken back. */
export interface Reversible<S extends Step> {
  /** The commands that do the same, one a line, runnable by sh(1). */
  commands(step: S): readonly string[];
  /** The commands that take it back. */
  undoCommands(step: S): readonly string[];
  /** Is it so in the kernel now? */
  holds(step: S, kernel: KernelHandles): boolean;
  /** Takes it back. What is gone already is taken back. */
  undo(step: S, kernel: KernelHandles): void | Promise<void>;
  /** For a step that ends with a namespace: makes its effect end now, and not when the kernel has time for it. */
  readonly disable?: { undo(step: S, kernel: KernelHandles): void; undoCommands(step: S): readonly string[] };
}

/** A step that is rtnetlink requests: neighbours in a plan that share a place travel in one system call. */
export interface RequestKind<S extends Step> extends Reversible<S> {
  requests(step: S, kernel: KernelHandles): readonly Request[];
}

/** A step of which neighbours are done, and taken back, in one transaction: all or none. */
export interface TransactionKind<S extends Step> extends Reversible<S> {
  /** May both be in one transaction? */
  canBatch(one: S, other: S): boolean;
  /** Undoes all steps of a plan together, in the place of the one whose turn comes last. */
  readonly gathersUndo?: true;
  applyAll(steps: readonly S[], kernel: KernelHandles): void | Promise<void>;
  /** What is gone already is taken back. */
  undoAll(steps: readonly S[], kernel: KernelHandles): void | Promise<void>;
}

/** A step that is a quick synchronous act in its place: neighbours share one visit. */
export interface InNamespaceKind<S extends Step> extends Reversible<S> {
  /** Called with the thread inside the step's place. */
  applyInside(step: S, kernel: KernelHandles): void;
}

/** Any other step. */
export interface ActionKind<S extends Step> extends Reversible<S> {
  apply(step: S, kernel: KernelHandles): void | Promise<void>;
}

export type StepKind<S extends Step> = RequestKind<S> | TransactionKind<S> | InNamespaceKind<S> | ActionKind<S>;

export type Kinds = { readonly [K in Step['kind']]: StepKind<StepOf<K>> };

/** The kind of a step, with the step's own type. */
export function kindOf<S extends Step>(kinds: Kinds, step: S): StepKind<S> {
  return kinds[step.kind] as unknown as StepKind<S>;
}

/** `ip`, or `ip -n NAME` for a command inside a namespace. */
export function ipCommand(place: NamespaceRef): string {
  return place === 'host' ? 'ip' : `ip -n ${place.namespace}`;
}

/** Nothing, or `ip netns exec NAME ` for a program that has to run inside. */
export function execPrefix(place: NamespaceRef): string {
  return place === 'host' ? '' : `ip netns exec ${place.namespace} `;
}
