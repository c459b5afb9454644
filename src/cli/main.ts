/**
 * The life of a command line: find the command, read its options, check who asks, load its module, do its work, and turn
 * whatever fails into one sentence and an exit status.
 *
 * Nothing is loaded before it is needed, since Node's own start is most of what a command costs.
 */
import { resolve } from 'node:path';
import type { Engine, EngineOptions } from '../engine/engine.ts';
import type { BackendName } from '../firewall/backend.ts';
import type { Plan } from '../plan/step.ts';
import { GangwayError, hasErrno } from '../values/errors.ts';
import { suggest } from '../values/suggest.ts';
import type { ColorWhen } from './color.ts';
import type { Command, Console } from './command.ts';
import { commands } from './commands.ts';
import { printable } from './format-error.ts';
import { type Given, type Options, parseWords, UsageError } from './grammar.ts';
import { globalOptions } from './options.ts';

/** Everything around the command line, so that a test can stand there. */
export interface Surroundings extends Console {
  readonly root: boolean;
  /** What of root's powers root is without. Absent: nothing. */
  readonly withheld?: () => readonly string[];
  /** Called before a command that changes nothing: it may be ended at any moment. */
  readonly onReadsOnly?: () => void;
  readonly createEngine: (options: EngineOptions) => Promise<Engine>;
  /** Loads what writes a plan as a shell script. */
  readonly loadExplain: () => Promise<(plan: Plan) => string>;
}

/** `work` does it, `tell` prints each plan while doing it, `explain` prints the plans alone. */
type Mode = 'work' | 'tell' | 'explain';

interface Invocation extends Surroundings {
  readonly mode: Mode;
  readonly color: ColorWhen;
  readonly engineOptions: EngineOptions;
}

interface Found {
  readonly path: readonly string[];
  readonly command: Command;
  readonly rest: readonly string[];
}

const help = { help: { kind: 'flag', short: 'h', help: 'Show this help' } } as const;

/** @returns the exit status */
export async function main(words: readonly string[], surroundings: Surroundings): Promise<number> {
  try {
    const { options, words: rest } = parseWords({ ...globalOptions, ...help }, words, true);
    if (options.version) return await dispatch(['version'], invocation(options, surroundings));
    if (options.help || rest.length === 0) return await showOverview(surroundings);
    return await dispatch(rest, invocation(options, surroundings));
  } catch (error) {
    const { report } = await import('./exit-code.ts');
    return report(error, { path: [] }, surroundings);
  }
}

function invocation(options: Given<typeof globalOptions>['options'], surroundings: Surroundings): Invocation {
  const { environment } = surroundings;
  const stateDirectory = options['state-directory'] ?? environment.GANGWAY_STATE_DIRECTORY;
  const runtimeDirectory = options['runtime-directory'] ?? environment.GANGWAY_RUNTIME_DIRECTORY;
  const firewall = options['firewall-backend'] ?? environment.GANGWAY_FIREWALL_BACKEND;
  const seed = environment.GANGWAY_SEED;
  return {
    ...surroundings,
    mode: options.explain ? 'tell' : 'work',
    color: parseColor(options.color ?? 'auto'),
    engineOptions: {
      ...(stateDirectory && { stateDirectory: resolve(stateDirectory) }),
      ...(runtimeDirectory && { runtimeDirectory: resolve(runtimeDirectory) }),
      ...(firewall && { firewall: parseBackend(firewall) }),
      ...(seed && { seed }),
    },
  };
}

function parseBackend(text: string): BackendName {
  if (text === 'nftables' || text === 'iptables') return text;
  throw new UsageError(`invalid argument "${text}" for "--firewall-backend" flag: write nftables or iptables`);
}

function parseColor(text: string): ColorWhen {
  if (text === 'auto' || text === 'always' || text === 'never') return text;
  throw new UsageError(`invalid argument "${text}" for "--color" flag: write auto, always or never`);
}

async function dispatch(words: readonly string[], invocation: Invocation): Promise<number> {
  const found = find(words);
  try {
    return await perform(found, invocation);
  } catch (error) {
    const { report } = await import('./exit-code.ts');
    // `explain` is tried without root, too: a mistake is told, and what needs a look at the machine ends here.
    const forbidden = !invocation.root && hasErrno(error, 'EPERM', 'EACCES');
    // What `help` was asked about stands in the sentence already.
    const failing = found.command.name === 'help' ? { path: [] } : found;
    return report(forbidden ? notRoot(found.path) : error, failing, invocation);
  }
}

/** Follows the words down the table as far as it goes. */
function find(words: readonly string[]): Found {
  const [first = '', second] = words;
  const command = lookUp(commands, first);
  if (command === undefined) throw unknown(first, commands, 'a gangway command');
  const path = [command.name];
  const inner = second === undefined ? undefined : lookUp(command.commands ?? [], second);
  if (inner === undefined) return { path, command, rest: words.slice(1) };
  return { path: [...path, inner.name], command: inner, rest: words.slice(2) };
}

function unknown(word: string, rows: readonly Command[], what: string): UsageError {
  const names = rows.filter(({ hidden }) => hidden !== true).map(({ name }) => name);
  const near = suggest(word, names);
  return new UsageError(`'${word}' is not ${what}${near}`, 1, near === '');
}

function lookUp(rows: readonly Command[], name: string): Command | undefined {
  return rows.find((row) => row.name === name || row.aliases?.includes(name) === true);
}

async function perform(found: Found, invocation: Invocation): Promise<number> {
  const { command, path, rest } = found;
  if (command.commands !== undefined) return await showGroup(found, invocation);
  const options: Options = { ...command.options, ...help };
  const given = parseWords(options, rest, command.passThrough === true);
  if (given.options.help) return await showHelp(path, command, invocation);
  requireWords(found, given.words.length);
  if (command.name === 'help') return await helpAbout(given.words, invocation);
  if (command.name === 'explain') {
    const firewall = given.options['firewall-backend'];
    const engineOptions = { ...invocation.engineOptions, ...(firewall && { firewall: parseBackend(firewall) }) };
    return await dispatch(given.words, { ...invocation, engineOptions, mode: 'explain' });
  }
  if (invocation.mode === 'explain' && command.changes !== undefined && command.changes !== 'plan') {
    return explainNothing(found, invocation);
  }
  if (command.root !== false && !invocation.root && invocation.mode !== 'explain') throw notRoot(path);
  if (command.root !== false && (command.changes ?? 'plan') === 'plan' && invocation.root)
    requirePowers(invocation.withheld?.() ?? []);
  if (command.load === undefined) throw new Error(`${path.join(' ')} has no module`);
  if (command.changes === 'nothing') invocation.onReadsOnly?.();
  const { execute } = await command.load();
  return await execute(given, await workingContext(invocation));
}

function requireWords({ path, command }: Found, count: number): void {
  const [minimum, maximum] = command.words ?? [0, 0];
  if (count >= minimum && count <= maximum) return;
  const plural = (number: number) => `${number} ${number === 1 ? 'argument' : 'arguments'}`;
  const demand =
    maximum === 0
      ? 'accepts no arguments'
      : minimum === maximum
        ? `requires exactly ${plural(minimum)}`
        : count < minimum
          ? `requires at least ${plural(minimum)}`
          : `accepts at most ${plural(maximum)}`;
  throw new UsageError(`"gangway ${path.join(' ')}" ${demand}`, 1, true);
}

function notRoot(path: readonly string[]): GangwayError {
  return new GangwayError('not-root', 'only root can do this', {
    hint: `run it as \`sudo gangway ${path.join(' ')} …\``,
  });
}

/** @throws GangwayError not-root for a root that can do nothing: of a container, or of a service with a bounding set */
function requirePowers(withheld: readonly string[]): void {
  if (withheld.length === 0) return;
  throw new GangwayError('not-root', `this root is without ${withheld.join(' and ')}`, {
    hint: 'run it on the machine itself, or give whatever it runs in CAP_NET_ADMIN and CAP_SYS_ADMIN',
  });
}

function explainNothing({ path, command }: Found, { stdout }: Invocation): number {
  const name = `gangway ${path.join(' ')}`;
  if (command.changes === 'unplanned')
    throw new GangwayError('not-supported', `${name} works without a plan to explain`);
  stdout.write(`# ${name} only reads; it changes nothing\n`);
  return 0;
}

/** What a command works with: an engine that is loaded once, and plans that are printed where they belong. */
async function workingContext(invocation: Invocation) {
  const { mode, stderr } = invocation;
  const explained = mode === 'explain';
  const out = explained ? invocation.stdout : stderr;
  const explain = mode === 'work' ? undefined : await explaining(out, invocation);
  const engineOptions: EngineOptions = {
    ...invocation.engineOptions,
    ...(explained && { dryRun: true }),
    ...(explain !== undefined && { onPlan: (plan: Plan) => void out.write(explain(plan)) }),
    onWarning: (text) => void stderr.write(`gangway: warning: ${printable(text)}\n`),
  };
  let engine: Promise<Engine> | undefined;
  return {
    ...invocation,
    stdout: explained ? await nowhere() : invocation.stdout,
    engineOptions,
    engine: () => {
      engine ??= invocation.createEngine(engineOptions);
      return engine;
    },
  };
}

/** Plans as text for `out`, with the reasons fainter than the commands where there is colour. */
async function explaining(out: Console['stdout'], invocation: Invocation): Promise<(plan: Plan) => string> {
  const [explain, { palette }] = await Promise.all([invocation.loadExplain(), import('./color.ts')]);
  // FORCE_COLOR is meant for what people read: `| sh` would take the colours for commands.
  const color = invocation.color === 'auto' && out.isTTY !== true ? 'never' : invocation.color;
  const { faint } = palette(out, color, invocation.environment);
  return (plan) => explain(plan).replace(/^#.*$/gm, faint);
}

/** With `explain`, stdout belongs to the script alone: a container's id that does not exist would only confuse. */
async function nowhere(): Promise<NodeJS.WritableStream> {
  const { Writable } = await import('node:stream');
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}

async function showOverview({ stdout }: Surroundings): Promise<number> {
  const { overview } = await import('./help.ts');
  stdout.write(overview());
  return 0;
}

async function showHelp(path: readonly string[], command: Command, { stdout }: Surroundings): Promise<number> {
  const { help } = await import('./help.ts');
  stdout.write(help(path, command));
  return 0;
}

async function helpAbout(words: readonly string[], invocation: Invocation): Promise<number> {
  if (words.length === 0) return await showOverview(invocation);
  const found = find(words);
  if (found.command.commands !== undefined) return await showGroup(found, invocation);
  if (found.rest.length > 0) throw new UsageError(`'${words.join(' ')}' is not a gangway command`, 1);
  return await showHelp(found.path, found.command, invocation);
}

/** A group without a command shows its help; with one that it does not have, it complains. */
async function showGroup({ path, command, rest: [word] }: Found, invocation: Invocation): Promise<number> {
  if (word === undefined || word === '--help' || word === '-h') return await showHelp(path, command, invocation);
  if (word.startsWith('-')) throw new UsageError(`unknown flag: ${word}`);
  throw unknown(word, command.commands ?? [], `a command of gangway ${path.join(' ')}`);
}
