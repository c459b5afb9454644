/** A template that has been read: what it will do, with the place in the text where it says so. */
import type { Value } from './value.ts';

export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly pipeline: Pipeline }
  | Branch;

/** `{{if}}`, `{{with}}` or `{{range}}`, up to its `{{end}}`. An `{{else if}}` is a branch alone in `otherwise`. */
export interface Branch {
  readonly kind: 'if' | 'with' | 'range';
  readonly pipeline: Pipeline;
  readonly body: readonly Node[];
  readonly otherwise: readonly Node[];
}

/** `$x := .Name | upper`: the value of each command is the last word of the next. */
export interface Pipeline {
  /** Two with `range $key, $value :=`. */
  readonly variables: readonly string[];
  /** `=` instead of `:=`. */
  readonly assigns: boolean;
  readonly commands: readonly Command[];
  readonly at: number;
}

/** `printf "%s" .Name` */
export interface Command {
  readonly first: Operand;
  readonly rest: readonly Operand[];
}

export type Operand = { readonly at: number } & (
  | { readonly kind: 'literal'; readonly value: Value }
  | { readonly kind: 'dot' }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'function'; readonly name: string }
  | { readonly kind: 'pipeline'; readonly pipeline: Pipeline }
  | { readonly kind: 'path'; readonly of: Operand; readonly names: readonly string[] }
);
