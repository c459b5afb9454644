/** A command of the command line: one row of the command table (commands.ts). */
import type { Engine, EngineOptions } from '../engine/engine.ts';
import type { ColorWhen } from './color.ts';
import type { Options, Parsed } from './grammar.ts';

/** Standard streams, environment and colour setting of the process. */
export interface Console {
  readonly stdin: () => NodeJS.ReadStream;
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Default `auto`. */
  readonly color?: ColorWhen;
}

/** Environment of a running command. */
export interface Context extends Console {
  /** Returns the engine; the first call loads it. */
  readonly engine: () => Promise<Engine>;
  readonly engineOptions: EngineOptions;
}

/** Runs a command. @returns the exit status */
export type Execute<O extends Options = Options> = (parsed: Parsed<O>, context: Context) => Promise<number>;

/** One row of the command table: parsing and help derive from it. */
export interface Command<O extends Options = Options> {
  readonly name: string;
  /** Arguments in the notation of the usage line: `CONTAINER [CONTAINER...]`. */
  readonly args: string;
  readonly aliases?: readonly string[];
  /** One line, without a full stop. */
  readonly summary: string;
  readonly example?: string;
  readonly options?: O;
  /** The first argument ends the options; the rest is the command line of another program. */
  readonly passThrough?: boolean;
  /** Output of `gangway explain`: the plan (default), a note that the command only reads, or an error. */
  readonly changes?: 'plan' | 'nothing' | 'unplanned';
  /** Requires root. Default true. */
  readonly root?: boolean;
  /** Exit status of a failure of gangway. Default 1. */
  readonly failureStatus?: number;
  /** Exits with the status of the command that it runs; 126 and 127 mean that this command could not be started. */
  readonly runsCommand?: boolean;
  /** Not listed in the help. */
  readonly hidden?: boolean;
  /** Commands of a group such as `network`. */
  readonly commands?: readonly Command[];
  /** Imports the module of the command, so that other commands do not load it. */
  readonly load?: () => Promise<Execute<O>>;
}

/** Creates a row. Checks the options against the function of the command, then erases their type: a table holds all types. */
export function command<O extends Options>(
  name: string,
  args: string,
  summary: string,
  row: Omit<Command<O>, 'name' | 'args' | 'summary'>,
): Command {
  return { name, args, summary, ...row } as unknown as Command;
}

/** Counts the arguments of the usage notation: `CONTAINER [PORT]` is 1 to 2, `COMMAND [ARG...]` is 1 or more. */
export function argumentCount({ args }: Command): readonly [minimum: number, maximum: number] {
  const words = args.split(' ').filter((word) => word !== '');
  const required = words.filter((word) => !word.startsWith('[')).length;
  return [required, args.includes('...') ? Number.POSITIVE_INFINITY : words.length];
}
