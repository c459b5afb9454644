/**
 * What happens to containers and networks, in docker's words.
 *
 * Docker's other words are for things that there are not (`pause`, `health_status`), or that change nothing (`exec_start`).
 */

export type ContainerAction = 'create' | 'attach' | 'start' | 'kill' | 'oom' | 'die' | 'stop' | 'restart' | 'destroy';
export type NetworkAction = 'create' | 'connect' | 'disconnect' | 'destroy' | 'prune';

interface Happening<Type extends string, Action extends string> {
  readonly type: Type;
  readonly action: Action;
  /** Whole; empty where it is about no network in particular (`prune`). */
  readonly id: string;
  /** In alphabetical order; `name` is among them wherever there is an id, and `container` is an id. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** Something that has happened. */
export type Occurrence = Happening<'container', ContainerAction> | Happening<'network', NetworkAction>;

/** A place in the log of events, which stays the same when its file is put aside. */
export interface LogPosition {
  /** Which file. A number of an inode comes round again: the moment of its birth does not. */
  readonly file: string;
  readonly offset: number;
}

/** Something that has happened, and when: known to the millisecond. */
export type EngineEvent = Occurrence & { readonly time: Date };
