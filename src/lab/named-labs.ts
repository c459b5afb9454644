/**
 * Labs with a name, which outlive the command that made them: what `gangway lab up|exec|shell|down|ls` is made of.
 *
 * A named lab is held by its own first process. All that is written down is how to find that process: one file,
 * RUNTIME-labs/NAME.json. A file whose process has ended, or that is from before the last boot, means nothing, and
 * the next command removes it. The directory goes with its last file, and so is none that others put theirs into.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { bootId } from '../kernel/boot.ts';
import { requireCommand } from '../kernel/exec-lookup.ts';
import { isAlive } from '../kernel/process.ts';
import { GangwayError, hasErrno, ignoring } from '../values/errors.ts';
import { sweep } from './cgroups.ts';
import { programEnvironment } from './environment.ts';
import { type LabProcessOptions, type RunningLab, startLab, stopLab } from './lab-process.ts';
import { parseLabName } from './name.ts';
import { nsenterCommand, workingDirectoryIn } from './namespace-runner.ts';
import { hostPlace } from './topology.ts';

export interface NamedLabOptions {
  /** Beside which labs are known by name. Default `/run/gangway`: `/run/gangway-labs`. */
  readonly runtimeDirectory?: string;
}

/** One line of `gangway lab ls`. */
export interface LabSummary {
  readonly name: string;
  /** Its first process, as it is known outside. */
  readonly pid: number;
  /** Where a command can be run: `host`, `world`, … */
  readonly places: readonly string[];
  readonly createdAt: Date;
}

interface LabRecord {
  readonly version: 1;
  readonly bootId: string;
  readonly createdAt: string;
  readonly machine: RunningLab;
}

/**
 * Makes a lab that stays until `downLab`.
 *
 * @throws GangwayError lab-exists, not-root, missing-program, invalid-name, invalid-option, program-failed
 */
export async function upLab(
  name: string,
  options: NamedLabOptions & Omit<LabProcessOptions, 'name' | 'lifetime'> = {},
): Promise<LabSummary> {
  parseLabName(name);
  const directory = labsDirectory(options);
  if (find(directory, name) !== undefined) throw labExists(name);
  const { machine, release } = await startLab({ ...options, name, lifetime: 'detached' });
  const record: LabRecord = { version: 1, bootId: bootId(), createdAt: new Date().toISOString(), machine };
  try {
    publish(directory, record);
  } catch (error) {
    await stopLab(machine);
    throw hasErrno(error, 'EEXIST') ? labExists(name) : error;
  }
  // Whoever is interrupted before this leaves no lab that nobody knows.
  await release();
  return summary(record);
}

/** Ends a named lab and all that runs in it. @throws GangwayError lab-not-found, TeardownError */
export async function downLab(name: string, options: NamedLabOptions = {}): Promise<void> {
  const directory = labsDirectory(options);
  const { machine } = known(directory, name);
  await stopLab(machine);
  forget(directory, name);
  sweep();
}

/** The labs that are alive, by name. */
export function listLabs(options: NamedLabOptions = {}): readonly LabSummary[] {
  const directory = labsDirectory(options);
  sweep();
  return (ignoring('ENOENT', () => readdirSync(directory)) ?? [])
    .filter((file) => file.endsWith('.json'))
    .map((file) => find(directory, file.slice(0, -'.json'.length)))
    .filter((record) => record !== undefined)
    .map(summary);
}

/**
 * Runs a command in a named lab, on our own terminal and streams.
 *
 * @returns its exit code, as a shell gives it
 * @throws GangwayError lab-not-found if there is no such lab, or no such place in it; command-not-found,
 *   command-not-executable
 */
export async function execInLab(
  name: string,
  place: string,
  argv: readonly string[],
  options: NamedLabOptions & { readonly environment?: Readonly<Record<string, string>> } = {},
): Promise<number> {
  const { machine } = known(labsDirectory(options), name);
  const env = programEnvironment(options.environment);
  const [program, ...parameters] = endsWithParent(nsenterCommand(machine, place, endsWithParent(argv)));
  const root = `/proc/${machine.init.pid}/root`;
  requireCommand(argv[0] ?? '', {
    what: 'lab',
    root,
    workingDirectory: workingDirectoryIn(machine),
    searchPath: env.PATH,
  });
  const child = spawn(program, parameters, { cwd: '/', env, stdio: 'inherit' });
  // The terminal sends its signals to the whole foreground group: the command decides, and we report what it decided.
  const leaveToCommand = () => undefined;
  process.on('SIGINT', leaveToCommand).on('SIGQUIT', leaveToCommand);
  try {
    await once(child, 'close');
  } finally {
    process.off('SIGINT', leaveToCommand).off('SIGQUIT', leaveToCommand);
  }
  return child.exitCode ?? 128 + (child.signalCode === null ? 0 : constants.signals[child.signalCode]);
}

/** Ctrl-C reaches the command by the terminal; when we are killed, this hands the end on, across nsenter(1) to the command. */
function endsWithParent(argv: readonly string[]): readonly [string, ...string[]] {
  return ['setpriv', '--pdeathsig', 'TERM', '--', ...argv];
}

/** Opens an interactive shell in a named lab. Its prompt says where one is: `world@demo /root #`. */
export async function shellInLab(
  name: string,
  place: string = hostPlace,
  options: NamedLabOptions = {},
): Promise<number> {
  parseLabName(name);
  // Without its start-up files, which would set another prompt.
  const shell = existsSync('/bin/bash') ? ['bash', '--norc', '--noprofile', '-i'] : ['sh', '-i'];
  const directory = shell[0] === 'bash' ? '\\w' : '$PWD';
  return execInLab(name, place, shell, { ...options, environment: { PS1: `${place}@${name} ${directory} # ` } });
}

function labsDirectory(options: NamedLabOptions): string {
  return `${options.runtimeDirectory ?? '/run/gangway'}-labs`;
}

function recordPath(directory: string, name: string): string {
  return join(directory, `${parseLabName(name)}.json`);
}

/** Appears complete or not at all, and never in the place of another: link(2) refuses to replace. */
function publish(directory: string, record: LabRecord): void {
  const draft = join(directory, `.${record.machine.name}.${process.pid}`);
  try {
    writeInto(directory, draft, `${JSON.stringify(record, undefined, 2)}\n`);
    linkSync(draft, recordPath(directory, record.machine.name));
  } finally {
    rmSync(draft, { force: true });
    removeIfEmpty(directory);
  }
}

/** Again where the last lab took the directory away in between. */
function writeInto(directory: string, path: string, content: string): void {
  for (let written: true | undefined; written === undefined; ) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    written = ignoring('ENOENT', () => {
      writeFileSync(path, content, { mode: 0o600 });
      return true;
    });
  }
}

function forget(directory: string, name: string): void {
  rmSync(recordPath(directory, name), { force: true });
  removeIfEmpty(directory);
}

function removeIfEmpty(directory: string): void {
  ignoring(['ENOENT', 'ENOTEMPTY'], () => rmdirSync(directory));
}

function labExists(name: string): GangwayError {
  return new GangwayError('lab-exists', `lab "${name}" exists already`, {
    hint: `enter it with \`gangway lab shell --name ${name}\`, or end it with \`gangway lab down --name ${name}\``,
  });
}

function known(directory: string, name: string): LabRecord {
  const record = find(directory, name);
  if (record !== undefined) return record;
  throw new GangwayError('lab-not-found', `lab "${name}" not found`, {
    hint: 'see `gangway lab ls`, or make one with `gangway lab up`',
  });
}

/** The record of a living lab. The record of a dead one is removed. @throws GangwayError record-unreadable */
function find(directory: string, name: string): LabRecord | undefined {
  const path = recordPath(directory, name);
  const text = ignoring('ENOENT', () => readFileSync(path, 'utf8'));
  if (text === undefined) return undefined;
  const record = parse(path, text);
  if (record.bootId === bootId() && isAlive(record.machine.init)) return record;
  forget(directory, name);
  return undefined;
}

function parse(path: string, text: string): LabRecord {
  const hint = `remove it with: rm ${path}`;
  try {
    const record = JSON.parse(text) as LabRecord;
    if (record.version === 1 && typeof record.machine.init.pid === 'number') return record;
  } catch (error) {
    throw new GangwayError('record-unreadable', `${path} is not readable`, { hint, cause: error });
  }
  throw new GangwayError('record-unreadable', `${path} is from another version of gangway`, { hint });
}

function summary({ machine, createdAt }: LabRecord): LabSummary {
  return {
    name: machine.name,
    pid: machine.init.pid,
    places: [hostPlace, ...machine.outside],
    createdAt: new Date(createdAt),
  };
}
