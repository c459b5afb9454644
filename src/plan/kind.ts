/** Step kinds: how steps are applied, undone, verified and explained. */
import type { Request } from '../netlink/message.ts';
import type { KernelHandles } from './kernel-handles.ts';
import type { NamespaceRef } from './link-step.ts';
import type { Step, StepOf } from './step.ts';

export interface Reversible<S extends Step> {
  /** Equivalent commands for sh(1), one per line. */
  commands(step: S): readonly string[];
  undoCommands(step: S): readonly string[];
  /** Is the step in effect in the kernel? */
  holds(step: S, kernel: KernelHandles): boolean;
  /** Undoes the step. A missing object counts as undone. */
  undo(step: S, kernel: KernelHandles): void | Promise<void>;
  /** For an object that the kernel removes with a namespace: ends its effect now, since the removal takes time. */
  readonly disable?: { undo(step: S, kernel: KernelHandles): void; undoCommands(step: S): readonly string[] };
}

/** A step of rtnetlink requests: consecutive steps of one namespace share a system call. */
export interface RequestKind<S extends Step> extends Reversible<S> {
  requests(step: S, kernel: KernelHandles): readonly Request[];
}

/** A step whose neighbours are applied, and undone, in one transaction. */
export interface TransactionKind<S extends Step> extends Reversible<S> {
  canBatch(one: S, other: S): boolean;
  /** Undoes all steps of a plan together, in the place of the one whose turn comes last. */
  readonly gathersUndo?: true;
  applyAll(steps: readonly S[], kernel: KernelHandles): void | Promise<void>;
  undoAll(steps: readonly S[], kernel: KernelHandles): void | Promise<void>;
}

/** A short synchronous step inside a namespace: consecutive steps share one visit. */
export interface InNamespaceKind<S extends Step> extends Reversible<S> {
  applyInside(step: S, kernel: KernelHandles): void;
}

export interface ActionKind<S extends Step> extends Reversible<S> {
  apply(step: S, kernel: KernelHandles): void | Promise<void>;
}

export type StepKind<S extends Step> = RequestKind<S> | TransactionKind<S> | InNamespaceKind<S> | ActionKind<S>;

export type Kinds = { readonly [K in Step['kind']]: StepKind<StepOf<K>> };

export function kindOf<S extends Step>(kinds: Kinds, step: S): StepKind<S> {
  return kinds[step.kind] as unknown as StepKind<S>;
}

/** `ip`, or `ip -n NAME` for a command inside a namespace. */
export function ipCommand(place: NamespaceRef): string {
  return place === 'host' ? 'ip' : `ip -n ${place.namespace}`;
}

/** Empty, or `ip netns exec NAME ` for a command inside a namespace. */
export function execPrefix(place: NamespaceRef): string {
  return place === 'host' ? '' : `ip netns exec ${place.namespace} `;
}
