/**
 * Docker's command-line grammar: splits a command line into options and arguments.
 *
 *     gangway run -it -p=8080:80 --rm=false --name web sh -c 'echo hi'
 *                 └──────────── options ──────────────┘ └─ arguments ─┘
 *
 * A flag accepts a value (`--rm=false`). One-letter options can be joined (`-it`). A value follows its option directly,
 * after `=`, or as the next word. `--` ends the options. With `passThrough`, the first argument ends them, too.
 *
 * No library parses `-p=80:80` and `--rm=false` as Docker does, and this file loads in a tenth of the time of one.
 */
import { GangwayError } from '../values/errors.ts';
import { suggest } from '../values/suggest.ts';

/** An option in the command table. */
export interface Option {
  /** A `flag` is true or false, the last `value` counts, a `list` collects all values. */
  readonly kind: 'flag' | 'value' | 'list';
  readonly help: string;
  /** One-letter form: `p` for `-p`. */
  readonly short?: string;
  /** Name of the value in the help. */
  readonly type?: string;
  /** The flag is undefined if it is not given. Other flags are false then. */
  readonly tristate?: true;
  /** Alternative name, not shown in the help. */
  readonly alias?: string;
}

/** Options by long name, without dashes. */
export type Options = Readonly<Record<string, Option>>;

type ValueOf<O extends Option> = O['kind'] extends 'flag'
  ? O extends { readonly tristate: true }
    ? boolean | undefined
    : boolean
  : O['kind'] extends 'list'
    ? readonly string[]
    : string | undefined;

/** A parsed command line. */
export interface Parsed<O extends Options = Options> {
  readonly options: { readonly [Name in keyof O]: ValueOf<O[Name]> };
  readonly args: readonly string[];
}

/** Invalid command line. Docker's exit statuses: 125 for an option, 64 for a template, 1 for anything else. */
export class UsageError extends GangwayError {
  constructor(
    message: string,
    readonly exitStatus: 1 | 64 | 125 = 125,
    /** Print the usage line below the error. */
    readonly showUsage = false,
  ) {
    super('usage', message);
  }
}

/** Parses the words of a command line. @throws UsageError for an unknown option, a missing value or an invalid flag */
export function parseArguments<O extends Options>(options: O, words: readonly string[], passThrough: boolean) {
  const found: Found = new Map();
  const args: string[] = [];
  let index = 0;
  for (; index < words.length; index++) {
    const word = words[index] ?? '';
    if (word === '--') break;
    if (word.startsWith('-') && word !== '-') {
      const read = word.startsWith('--') ? readLong : readShort;
      if (read({ options, found }, word, words[index + 1])) index++;
    } else if (passThrough) {
      return { options: valuesOf(options, found), args: words.slice(index) };
    } else {
      args.push(word);
    }
  }
  return { options: valuesOf(options, found), args: [...args, ...words.slice(index + 1)] };
}

/** Values by long option name, in the order of the command line. */
type Found = Map<string, (string | boolean)[]>;

interface Reading {
  readonly options: Options;
  readonly found: Found;
}

/** Reads `--name`, `--name=value` or `--name value`. @returns whether `next` was consumed */
function readLong(reading: Reading, word: string, next: string | undefined): boolean {
  const [, name, value] = /^--([^=-][^=]*)(?:=(.*))?$/s.exec(word) ?? [];
  if (name === undefined) throw new UsageError(`bad flag syntax: ${word}`);
  const entry = findOption(reading.options, (long, { alias }) => name === long || name === alias);
  if (entry === undefined) {
    const names = Object.keys(reading.options).map((known) => `--${known}`);
    throw new UsageError(`unknown flag: --${name}${suggest(`--${name}`, names)}`);
  }
  const [long, option] = entry;
  if (option.kind === 'flag') {
    record(reading, long, value === undefined ? true : parseFlag(value, `--${long}`));
    return false;
  }
  const given = value ?? next;
  if (given === undefined) throw new UsageError(`flag needs an argument: --${name}`);
  record(reading, long, given);
  return value === undefined;
}

/** Reads `-d`, `-it`, `-p80`, `-p=80` or `-p 80`. @returns whether `next` was consumed */
function readShort(reading: Reading, word: string, next: string | undefined): boolean {
  for (let at = 1; at < word.length; at++) {
    const letter = word[at] ?? '';
    const entry = findOption(reading.options, (_, { short }) => short === letter);
    if (entry === undefined) throw new UsageError(`unknown shorthand flag: '${letter}' in ${word}`);
    const [long, option] = entry;
    const after = word.slice(at + 1);
    const attached = after.startsWith('=') ? after.slice(1) : after;
    if (option.kind === 'flag') {
      record(reading, long, after.startsWith('=') ? parseFlag(attached, `-${letter}, --${long}`) : true);
      if (after.startsWith('=')) return false;
    } else {
      const given = after === '' ? next : attached;
      if (given === undefined) throw new UsageError(`flag needs an argument: '${letter}' in ${word}`);
      record(reading, long, given);
      return after === '';
    }
  }
  return false;
}

function findOption(options: Options, matches: (name: string, option: Option) => boolean) {
  return Object.entries(options).find(([name, option]) => matches(name, option));
}

function record({ found }: Reading, name: string, value: string | boolean): void {
  found.set(name, [...(found.get(name) ?? []), value]);
}

function parseFlag(text: string, option: string): boolean {
  if (/^(1|t|true)$/i.test(text)) return true;
  if (/^(0|f|false)$/i.test(text)) return false;
  throw new UsageError(`invalid argument "${text}" for "${option}" flag: write true or false`);
}

function valuesOf<O extends Options>(options: O, found: Found): Parsed<O>['options'] {
  const entries = Object.entries(options).map(([name, { kind, tristate }]) => {
    const all = found.get(name) ?? [];
    const last = all.at(-1);
    return [name, kind === 'list' ? all : kind === 'flag' && tristate !== true ? (last ?? false) : last];
  });
  return Object.fromEntries(entries);
}
