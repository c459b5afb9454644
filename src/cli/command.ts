/** What a command is: one row of the table in commands.ts. */

import type { Engine, EngineOptions } from '../engine/engine.ts';
import type { ColorWhen } from './color.ts';
import type { Given, Options } from './grammar.ts';

/** The terminal's side of a command. */
export interface Console {
  readonly stdin: () => NodeJS.ReadStream;
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Default `auto`. */
  readonly color?: ColorWhen;
}

/** What a command gets to work with. */
export interface Context extends Console {
  /** The engine, loaded when it is first asked for. */
  readonly engine: () => Promise<Engine>;
  readonly engineOptions: EngineOptions;
}

/** A command's work. @returns the exit status */
export type Execute<O extends Options = Options> = (given: Given<O>, context: Context) => Promise<number>;

/** One row: from it come parsing, help, and whatever else is told about a command. */
export interface Command<O extends Options = Options> {
  readonly name: string;
  readonly aliases?: readonly string[];
  /** One line, without a final stop. */
  readonly summary: string;
  /** What follows the name: `[OPTIONS] CONTAINER [CONTAINER...]`. */
  readonly usage?: string;
  readonly example?: string;
  readonly options?: O;
  /** How many words besides the options: at least, at most. Default none. */
  readonly words?: readonly [minimum: number, maximum: number];
  /** The first word ends the options: what follows is somebody else's command line. */
  readonly passThrough?: boolean;
  /** What `gangway explain` has to tell: the plan; that it only reads; or nothing, because it works without plans. */
  readonly changes?: 'plan' | 'nothing' | 'unplanned';
  /** Only root can do it. Default true. */
  readonly root?: boolean;
  /** The exit status of a failure of ours. Default 1. */
  readonly failureStatus?: number;
  /** The exit status is that of the command inside: 126 and 127 say that it could not be started. */
  readonly runsCommand?: boolean;
  /** Not shown in the help. */
  readonly hidden?: boolean;
  /** `network` is a group: it has commands instead of work. */
  readonly commands?: readonly Command[];
  readonly load?: () => Promise<{ readonly execute: Execute<O> }>;
}

/** Ties a row's options to what its module expects, and hides the tie, so that rows of all kinds fit in one table. */
export function command<O extends Options>(row: Command<O>): Command {
  return row as unknown as Command;
}
