/**
 * The grammar of a command line, Docker's: how words become options and arguments.
 *
 *     gangway run -it -p=8080:80 --rm=false --name web sh -c 'echo hi'
 *                 └──────────── options ──────────────┘ └─ the rest ──┘
 *
 * A flag may be switched off again (`--rm=false`), one-letter options may stand together (`-it`), and a value follows
 * its option directly, behind `=`, or as the next word. `--` ends the options; so does the first plain word, where the
 * rest is somebody else's command line (`passThrough`).
 *
 * Why no library: none of them reads `-p=80:80` and `--rm=false` as Docker does, and this page loads in a tenth of
 * their time, in a program that is over after a hundred milliseconds.
 */
import { GangwayError } from '../values/errors.ts';
import { suggest } from '../values/suggest.ts';

/** One option, as the command table describes it. */
export interface Option {
  /** A `flag` is on or off; of a `value` the last one counts; a `list` collects all. */
  readonly kind: 'flag' | 'value' | 'list';
  readonly help: string;
  /** One letter: `-p`. */
  readonly short?: string;
  /** What the help calls the value. */
  readonly type?: string;
  /** A flag of three answers: on, off, and not said (undefined). Others are off where they are not said. */
  readonly threefold?: true;
  /** Another spelling that is understood and not shown. */
  readonly alias?: string;
}

/** By long name, without the dashes. */
export type Options = Readonly<Record<string, Option>>;

type ValueOf<O extends Option> = O['kind'] extends 'flag'
  ? O extends { readonly threefold: true }
    ? boolean | undefined
    : boolean
  : O['kind'] extends 'list'
    ? readonly string[]
    : string | undefined;

/** What a command line says, ready for use. */
export interface Given<O extends Options = Options> {
  readonly options: { readonly [Name in keyof O]: ValueOf<O[Name]> };
  /** Everything that is no option. */
  readonly words: readonly string[];
}

/** The command line itself is wrong. Docker's exit statuses: 125 for an option, 1 for anything else. */
export class UsageError extends GangwayError {
  constructor(
    message: string,
    readonly exitStatus: 1 | 64 | 125 = 125,
    /** Show how the command is used, not only where to read it. */
    readonly showUsage = false,
  ) {
    super('usage', message);
  }
}

/** @throws UsageError for an option that is unknown, lacks its value or has one that is none */
export function parseWords<O extends Options>(options: O, words: readonly string[], passThrough: boolean): Given<O> {
  const found = new Map<string, (string | boolean)[]>();
  const rest: string[] = [];
  let index = 0;
  for (; index < words.length; index++) {
    const word = words[index] ?? '';
    if (word === '--') break;
    if (word.startsWith('-') && word !== '-') {
      const read = word.startsWith('--') ? readLong : readShort;
      if (read({ options, found }, word, words[index + 1])) index++;
    } else if (passThrough) {
      return { options: values(options, found), words: words.slice(index) };
    } else {
      rest.push(word);
    }
  }
  return { options: values(options, found), words: [...rest, ...words.slice(index + 1)] };
}

interface Reading {
  readonly options: Options;
  readonly found: Map<string, (string | boolean)[]>;
}

/** Reads `--name`, `--name=value` or `--name` and the next word. @returns whether the next word is used up */
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

/** Reads `-d`, `-it`, `-p80`, `-p=80` or `-p` and the next word. @returns whether the next word is used up */
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

function values<O extends Options>(options: O, found: Reading['found']): Given<O>['options'] {
  const entries = Object.entries(options).map(([name, { kind, threefold }]) => {
    const all = found.get(name) ?? [];
    const last = all.at(-1);
    return [name, kind === 'list' ? all : kind === 'flag' && threefold !== true ? (last ?? false) : last];
  });
  return Object.fromEntries(entries);
}
