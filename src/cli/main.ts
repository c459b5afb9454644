/**
 * Runs a command line: finds the command, parses its options, checks privileges, loads its module, runs it, and turns an
 * error into one line and an exit status.
 *
 * Modules load when they are needed, because the start of Node is most of the run time of a command.
 */
import { resolve } from 'node:path';
import type { Engine, EngineOptions } from '../engine/engine.ts';
import type { BackendName } from '../firewall/backend.ts';
import type { Plan } from '../plan/plan.ts';
import { GangwayError, hasErrno } from '../values/errors.ts';
import { suggest } from '../values/suggest.ts';
import type { ColorWhen } from './color.ts';
import { argumentCount, type Command, type Console } from './command.ts';
import { commands } from './commands.ts';
import { type Options, type Parsed, parseArguments, UsageError } from './grammar.ts';
import { globalOptions } from './options.ts';
import { printable } from './printable.ts';

/** The process around a command line; tests replace it. */
export interface Surroundings extends Console {
  readonly root: boolean;
  /** Returns the capabilities that root lacks. Default none. */
  readonly missingCapabilities?: () => readonly string[];
  /** Called before a command that changes nothing and may be ended at any time. */
  readonly onReadOnlyCommand?: () => void;
  readonly createEngine: (options: EngineOptions) => Promise<Engine>;
  /** Loads the formatter of plans as shell scripts. */
  readonly loadExplain: () => Promise<(plan: Plan) => string>;
}

interface Invocation extends Surroundings {
  /** `run` runs the command, `trace` also prints each plan, `explain` only prints the plans. */
  readonly mode: 'run' | 'trace' | 'explain';
  readonly color: ColorWhen;
  readonly engineOptions: EngineOptions;
}

/** A row of the command table, its full name, and the words after the name. */
interface FoundCommand {
  readonly path: readonly string[];
  readonly command: Command;
  readonly rest: readonly string[];
}

const help = { help: { kind: 'flag', short: 'h', help: 'Show this help' } } as const;

/** @returns the exit status */
export async function main(words: readonly string[], surroundings: Surroundings): Promise<number> {
  try {
    const { options, args } = parseArguments({ ...globalOptions, ...help }, words, true);
    if (options.version) return await dispatch(['version'], invocation(options, surroundings));
    if (options.help || args.length === 0) return await showHelp(surroundings);
    return await dispatch(args, invocation(options, surroundings));
  } catch (error) {
    const { reportError } = await import('./exit-code.ts');
    return reportError(error, { path: [] }, surroundings);
  }
}

function invocation(options: Parsed<typeof globalOptions>['options'], surroundings: Surroundings): Invocation {
  const { environment } = surroundings;
  const stateDirectory = options['state-directory'] ?? environment.GANGWAY_STATE_DIRECTORY;
  const runtimeDirectory = options['runtime-directory'] ?? environment.GANGWAY_RUNTIME_DIRECTORY;
  const firewall = options['firewall-backend'] ?? environment.GANGWAY_FIREWALL_BACKEND;
  const seed = environment.GANGWAY_SEED;
  return {
    ...surroundings,
    mode: options.explain ? 'trace' : 'run',
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
  const found = findCommand(words);
  try {
    return await runCommand(found, invocation);
  } catch (error) {
    const { reportError } = await import('./exit-code.ts');
    // `explain` without root reports usage errors, and goes on until it needs root.
    const forbidden = !invocation.root && hasErrno(error, 'EPERM', 'EACCES');
    // The error of `gangway help NAME` names the command itself.
    const failed = found.command.name === 'help' ? { path: [] } : found;
    return reportError(forbidden ? notRoot(found.path) : error, failed, invocation);
  }
}

/** Finds a command or a command of a group. @throws UsageError for an unknown command */
function findCommand(words: readonly string[]): FoundCommand {
  const [first = '', second] = words;
  const command = findByName(commands, first);
  if (command === undefined) throw unknownCommand(first, commands, 'a gangway command');
  const path = [command.name];
  const inner = second === undefined ? undefined : findByName(command.commands ?? [], second);
  if (inner === undefined) return { path, command, rest: words.slice(1) };
  return { path: [...path, inner.name], command: inner, rest: words.slice(2) };
}

function unknownCommand(word: string, rows: readonly Command[], kind: string): UsageError {
  const names = rows.filter(({ hidden }) => hidden !== true).map(({ name }) => name);
  const suggestion = suggest(word, names);
  return new UsageError(`'${word}' is not ${kind}${suggestion}`, 1, suggestion === '');
}

function findByName(rows: readonly Command[], name: string): Command | undefined {
  return rows.find((row) => row.name === name || row.aliases?.includes(name) === true);
}

async function runCommand(found: FoundCommand, invocation: Invocation): Promise<number> {
  const { command, path, rest } = found;
  if (command.commands !== undefined) return await showGroup(found, invocation);
  const options: Options = { ...command.options, ...help };
  const parsed = parseArguments(options, rest, command.passThrough === true);
  if (parsed.options.help) return await showHelp(invocation, found);
  requireArguments(found, parsed.args.length);
  if (command.name === 'help') return await showHelpOf(parsed.args, invocation);
  if (command.name === 'explain') {
    const firewall = parsed.options['firewall-backend'];
    const engineOptions = { ...invocation.engineOptions, ...(firewall && { firewall: parseBackend(firewall) }) };
    return await dispatch(parsed.args, { ...invocation, engineOptions, mode: 'explain' });
  }
  const changes = command.changes ?? 'plan';
  if (invocation.mode === 'explain' && changes !== 'plan') return explainNothing(found, invocation);
  if (command.root !== false && !invocation.root && invocation.mode !== 'explain') throw notRoot(path);
  if (command.root !== false && changes === 'plan' && invocation.root)
    requireCapabilities(invocation.missingCapabilities?.() ?? []);
  if (command.load === undefined) throw new Error(`${path.join(' ')} has no module`);
  if (changes === 'nothing') invocation.onReadOnlyCommand?.();
  const execute = await command.load();
  return await execute(parsed, await createContext(invocation));
}

function requireArguments({ path, command }: FoundCommand, count: number): void {
  const [minimum, maximum] = argumentCount(command);
  if (count >= minimum && count <= maximum) return;
  const plural = (number: number) => `${number} ${number === 1 ? 'argument' : 'arguments'}`;
  const rule =
    maximum === 0
      ? 'accepts no arguments'
      : minimum === maximum
        ? `requires exactly ${plural(minimum)}`
        : count < minimum
          ? `requires at least ${plural(minimum)}`
          : `accepts at most ${plural(maximum)}`;
  throw new UsageError(`"gangway ${path.join(' ')}" ${rule}`, 1, true);
}

function notRoot(path: readonly string[]): GangwayError {
  return new GangwayError('not-root', 'root privileges required', {
    hint: `run it as \`sudo gangway ${path.join(' ')} …\``,
  });
}

/** @throws GangwayError not-root for a root user without capabilities, as in a container or in a restricted service */
function requireCapabilities(missing: readonly string[]): void {
  if (missing.length === 0) return;
  throw new GangwayError('not-root', `missing capability: ${missing.join(', ')}`, {
    hint: 'run gangway on the host itself, or give its container or service CAP_NET_ADMIN and CAP_SYS_ADMIN',
  });
}

function explainNothing({ path, command }: FoundCommand, { stdout }: Invocation): number {
  const name = `gangway ${path.join(' ')}`;
  if (command.changes === 'unplanned')
    throw new GangwayError('not-supported', `cannot explain ${name}: it has no plan`);
  stdout.write(`# ${name} only reads; it changes nothing\n`);
  return 0;
}

/** Creates the context of a command: an engine that loads at the first call, and the output of its plans. */
async function createContext(invocation: Invocation) {
  const { mode, stderr } = invocation;
  const dryRun = mode === 'explain';
  const planOutput = dryRun ? invocation.stdout : stderr;
  const explain = mode === 'run' ? undefined : await loadPlanFormatter(planOutput, invocation);
  const engineOptions: EngineOptions = {
    ...invocation.engineOptions,
    ...(dryRun && { dryRun: true }),
    ...(explain !== undefined && { onPlan: (plan: Plan) => void planOutput.write(explain(plan)) }),
    onWarning: (text) => void stderr.write(`gangway: warning: ${printable(text)}\n`),
  };
  let engine: Promise<Engine> | undefined;
  return {
    ...invocation,
    // With `explain`, stdout holds only the script, not the ID of a container that is not created.
    stdout: dryRun ? await nullStream() : invocation.stdout,
    engineOptions,
    engine: () => {
      engine ??= invocation.createEngine(engineOptions);
      return engine;
    },
  };
}

/** Loads the formatter of plans. In colour, comments are fainter than commands. */
async function loadPlanFormatter(out: Console['stdout'], invocation: Invocation): Promise<(plan: Plan) => string> {
  const [explain, { palette }] = await Promise.all([invocation.loadExplain(), import('./color.ts')]);
  // FORCE_COLOR must not put escape sequences into a script for `| sh`.
  const color = invocation.color === 'auto' && out.isTTY !== true ? 'never' : invocation.color;
  const { faint } = palette(out, color, invocation.environment);
  return (plan) => explain(plan).replace(/^#.*$/gm, faint);
}

async function nullStream(): Promise<NodeJS.WritableStream> {
  const { Writable } = await import('node:stream');
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}

/** Prints the help of a command, or of `gangway`. */
async function showHelp({ stdout }: Surroundings, found?: Pick<FoundCommand, 'path' | 'command'>): Promise<number> {
  const { help, overview } = await import('./help.ts');
  stdout.write(found === undefined ? overview() : help(found.path, found.command));
  return 0;
}

/** Runs `gangway help NAME`. */
async function showHelpOf(words: readonly string[], invocation: Invocation): Promise<number> {
  if (words.length === 0) return await showHelp(invocation);
  const found = findCommand(words);
  if (found.command.commands !== undefined) return await showGroup(found, invocation);
  if (found.rest.length > 0) throw new UsageError(`'${words.join(' ')}' is not a gangway command`, 1);
  return await showHelp(invocation, found);
}

/** Shows the help of a group. @throws UsageError for an unknown command of the group */
async function showGroup(found: FoundCommand, invocation: Invocation): Promise<number> {
  const { path, command, rest } = found;
  const [word] = rest;
  if (word === undefined || word === '--help' || word === '-h') return await showHelp(invocation, found);
  if (word.startsWith('-')) throw new UsageError(`unknown flag: ${word}`);
  throw unknownCommand(word, command.commands ?? [], `a command of gangway ${path.join(' ')}`);
}
