/**
 * Another command in a running container.
 *
 *     full      crun exec --process FILE ID     joins all namespaces and the control group, drops what the container lacks
 *     network   nsenter --target PID --net --mount -- setpriv …     a network of its own is all that there is to join
 *
 * The command gets pipes, as from Docker, and what is detached a sealed /dev/null. Our own streams are not its: crun gives
 * what it finds there, a file of the machine's or its /dev/null, to the command's user (maybe_chown_std_streams in its
 * container.c), and whoever has a descriptor of a file may change its mode. With `-t` crun makes a terminal inside, and
 * passes on keys and sizes from ours. crun's flags can't say everything (a uid alone is ignored by `--user` in 1.21,
 * additional groups are unknown to it), so that the process is described in a file, made from the container's own.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { commandNotExecutable, commandNotFound, requireCommand } from '../../kernel/exec-lookup.ts';
import { isAlive, type ProcessIdentity } from '../../kernel/process.ts';
import { requireProgram } from '../../kernel/run-program.ts';
import { openSealedNull } from '../../sys/null-device.ts';
import { GangwayError, hasErrno, ignoring } from '../../values/errors.ts';
import type { ExecRequest } from '../../values/exec.ts';
import type { Launch } from '../../values/launch.ts';
import { type Streams, writeBytes } from './attach.ts';
import { chooseCapabilities, readBoundingSet } from './capabilities.ts';
import { readCrunLog } from './crun-log.ts';
import { execProcess, nsenterArguments, type OciProcess, workingDirectoryOf } from './exec-process.ts';
import { ExecStreams } from './exec-streams.ts';
import { isTerminalInput, isTerminalOutput } from './terminal.ts';
import { type Accounts, readAccounts } from './user-lookup.ts';

/** The parts of a launch that a further command needs. */
export type ExecTarget = Pick<
  Launch,
  'id' | 'isolation' | 'directory' | 'runtimeRoot' | 'environment' | 'identity' | 'workingDirectory'
>;

const NOT_EXECUTABLE = 126;
const NOT_FOUND = 127;

/**
 * Runs a command in a container, and waits for it unless it is detached.
 *
 * @param container the container's first process
 * @returns the command's exit status, 128 and the signal's number if one ended it, 0 if it was detached; 126 or 127 if
 *   it can't be executed for a reason that crun has found and said on our stderr
 * @throws GangwayError container-not-running; command-not-found, command-not-executable; usage if a terminal is asked
 *   for and stdin is none; invalid-option for an unknown user
 */
export async function execInContainer(
  target: ExecTarget,
  container: ProcessIdentity,
  request: ExecRequest,
  streams: Streams = process,
): Promise<number> {
  if (!isAlive(container)) throw new GangwayError('container-not-running', `container ${target.id} is not running`);
  if (request.terminal && !request.detached && !isTerminalInput(streams.stdin)) {
    throw new GangwayError('usage', 'the input device is not a TTY', { hint: 'leave out -t, or use a terminal' });
  }
  const accounts = readAccounts(`/proc/${container.pid}/root`);
  if (target.isolation === 'network') {
    const env = execEnvironment(target, request);
    refuseBeforehand(container, request.command, workingDirectoryOf(target, request), env.PATH);
    const words = [requireProgram('nsenter'), ...nsenterArguments(container.pid, target, request, accounts)];
    return await run({ words, env, leave: request.detached, request, streams });
  }
  const description = execProcessOf(target, request, accounts);
  const [path] = description.env.filter((entry) => entry.startsWith('PATH='));
  refuseBeforehand(container, request.command, description.cwd, path?.slice('PATH='.length));
  return await crunExec(target, description, request, streams);
}

function refuseBeforehand(
  { pid }: ProcessIdentity,
  [command = '']: readonly string[],
  workingDirectory: string,
  searchPath: string | undefined,
): void {
  requireCommand(command, { what: 'container', root: `/proc/${pid}/root`, workingDirectory, searchPath });
}

/** The process as crun will be told of it. @throws GangwayError invalid-option for an unknown user */
export function execProcessOf(target: ExecTarget, request: ExecRequest, accounts: Accounts): OciProcess {
  const configuration = readFileSync(join(target.directory, 'config.json'), 'utf8');
  const own = (JSON.parse(configuration) as { readonly process: OciProcess }).process;
  return execProcess(own, request, { accounts, allCapabilities: allCapabilities() });
}

function allCapabilities(): string[] {
  return chooseCapabilities({ add: ['ALL'], drop: [] }, readBoundingSet(readFileSync('/proc/self/status', 'latin1')));
}

/** The container's environment and the command's own. */
export function execEnvironment(target: ExecTarget, request: ExecRequest): NodeJS.ProcessEnv {
  const entries = [...target.environment, ...request.environment];
  return Object.fromEntries(
    entries.map((entry) => [entry.split('=', 1)[0] ?? '', entry.slice(entry.indexOf('=') + 1)]),
  );
}

async function crunExec(target: ExecTarget, description: OciProcess, request: ExecRequest, streams: Streams) {
  const file = join(target.directory, `exec-${randomBytes(8).toString('hex')}`);
  const log = `${file}.log`;
  try {
    writeFileSync(file, JSON.stringify(description), { mode: 0o600, flag: 'wx' });
    const detach = request.detached ? ['--detach'] : [];
    const words = [
      requireProgram('crun'),
      `--root=${target.runtimeRoot}`,
      `--log=${log}`,
      '--log-format=json',
      'exec',
      ...detach,
      '--process',
      file,
      target.id,
    ];
    const status = await run({ words, env: process.env, leave: false, request, streams });
    const { error: complaint, output } = readCrunLog(ignoring('ENOENT', () => readFileSync(log)) ?? Buffer.alloc(0));
    await say(streams.stdout, output);
    if (status === 0 || complaint === '') return status;
    const exitStatus = crunErrorStatus(complaint);
    // Else crun has said it on the command's stderr.
    if (!request.detached) return exitStatus;
    const [command = ''] = request.command;
    throw exitStatus === NOT_FOUND ? commandNotFound(command) : commandNotExecutable(command);
  } finally {
    rmSync(file, { force: true });
    rmSync(log, { force: true });
  }
}

/** What crun has put aside. Our terminal, which is raw no more, ends its lines itself; a reader who has gone misses nothing. */
async function say(to: Streams['stdout'], aside: Buffer): Promise<void> {
  if (aside.length === 0) return;
  const output = isTerminalOutput(to)
    ? Buffer.from(aside.toString('latin1').replaceAll('\r\n', '\n'), 'latin1')
    : aside;
  const heard = () => {};
  to.on('error', heard);
  try {
    const error = await writeBytes(to, output);
    if (error !== undefined && !hasErrno(error, 'EPIPE')) throw error;
  } finally {
    to.off('error', heard);
  }
}

/** Docker's exit status for what crun has to complain about; crun has none of its own for each. */
export function crunErrorStatus(complaint: string): number {
  return /executable file .* not found/.test(complaint) ? NOT_FOUND : NOT_EXECUTABLE;
}

interface Run {
  readonly words: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** The program is the command itself, and is not waited for. */
  readonly leave: boolean;
  readonly request: ExecRequest;
  readonly streams: Streams;
}

/** Starts a program, carries the caller's streams to it, and waits for it. */
async function run({ words, env, leave, request, streams }: Run): Promise<number> {
  if (request.detached) return await runDetached(words, env, leave);
  const [program = '', ...parameters] = words;
  const ends = new ExecStreams(request, streams);
  let stopForwarding = () => {};
  try {
    const child = spawn(program, parameters, { stdio: [...ends.stdio], env });
    stopForwarding = forwardSignals(child);
    ends.closeChildEnds();
    const status = await Promise.race([statusOf(child), ends.failure]);
    await ends.drained();
    return status;
  } finally {
    stopForwarding();
    ends.close();
  }
}

async function runDetached([program = '', ...parameters]: readonly string[], env: NodeJS.ProcessEnv, leave: boolean) {
  const nothing = openSealedNull();
  try {
    const child = spawn(program, parameters, { stdio: [nothing, nothing, nothing], env, detached: leave });
    return await (leave ? started(child) : statusOf(child));
  } finally {
    closeSync(nothing);
  }
}

/** ctrl-c reaches a child in the foreground by itself; what is sent to this process alone is passed on. */
function forwardSignals(child: ChildProcess): () => void {
  const passOn = (signal: NodeJS.Signals) => void child.kill(signal);
  const leaveAlone = () => {};
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, passOn);
  for (const signal of ['SIGINT', 'SIGQUIT'] as const) process.on(signal, leaveAlone);
  return () => {
    for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.off(signal, passOn);
    for (const signal of ['SIGINT', 'SIGQUIT'] as const) process.off(signal, leaveAlone);
  };
}

function started(child: ChildProcess): Promise<number> {
  child.unref();
  return new Promise((resolve, reject) => child.once('spawn', () => resolve(0)).once('error', reject));
}

function statusOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal ?? 'SIGKILL']));
  });
}
