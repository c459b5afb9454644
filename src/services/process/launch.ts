/**
 * Starting a container, and taking it away again.
 *
 *     launch    config.json -> conmon -> unshare (the tree) -> crun create     all is made, the command is not yet running
 *     start     crun start                                                    the command runs
 *     discard   crun delete --force, control groups, files                    nothing is left
 *
 * Two phases, so that an error in the command is known before a client is attached or a port is opened. Between them the
 * first process stands inside its namespaces and waits.
 *
 * conmon stays: it is the parent that the kernel tells the exit status, reads the container's output into the log, holds
 * its terminal, and starts the exit command. It costs 350 kB. If it is killed the container goes on without a log, and its
 * end will never be known; `observe` says so instead of waiting for a file that nobody will write.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { killCgroup, readLayout, removeCgroup } from '../../kernel/cgroup.ts';
import { anticipateMove } from '../../kernel/cgroup-move.ts';
import { makeDirectory } from '../../kernel/directory.ts';
import { commandNotExecutable, commandNotFound } from '../../kernel/exec-lookup.ts';
import { identifyProcess, isAlive, type ProcessIdentity, signalProcess } from '../../kernel/process.ts';
import { systemPath } from '../../kernel/run-program.ts';
import { outliving } from '../../kernel/systemd-scope.ts';
import { unmount } from '../../sys/mount.ts';
import { GangwayError, ignoring } from '../../values/errors.ts';
import type { Launch } from '../../values/launch.ts';
import { ociConfiguration } from './configuration.ts';
import { conmonCommand, crunCommand } from './conmon.ts';
import { type ExitInfo, exitFilePath, lockPath, readExit } from './exit-hook.ts';
import { environmentPath, environmentScript, startFifoPath } from './network-isolation.ts';
import { killPartialLaunch, killProcesses, releaseProcess } from './network-only-process.ts';

/** The two processes of a container: its first one, and the conmon that watches it. */
export interface ContainerProcesses {
  readonly container: ProcessIdentity;
  readonly monitor: ProcessIdentity;
}

/** What is left by an earlier life in the same directory and would confuse conmon. */
const stale = [
  'config.json',
  'environment',
  'attach',
  'ctl',
  'winsz',
  'exit',
  'oom',
  'pid',
  'conmon.pid',
  'processes.json',
  'start',
  'members',
];

/**
 * Makes the container up to the point where its command would run.
 *
 * @throws GangwayError command-not-found, command-not-executable; program-failed for all else that crun refuses
 */
export async function createContainerProcess(launch: Launch): Promise<ContainerProcesses> {
  const command = conmonCommand(launch);
  // With a client the end of its service is the container's, too: conmon passes SIGTERM on.
  const words = launch.foreground ? command : outliving(command, `gangway container ${launch.id}`);
  // crun is going to move the first process into its control group.
  if (launch.isolation === 'full') anticipateMove(readLayout());
  writeBundle(launch);
  const child = spawn(words[0] ?? '', words.slice(1), {
    // fd 3: where conmon answers. Only the stack of this process is inherited in host mode.
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    env: { PATH: systemPath, _OCI_SYNCPIPE: '3' },
    // conmon leaves the file `oom` where it was started, too.
    cwd: launch.directory,
  });
  const [answer, complaint] = await Promise.all([
    firstLine(child.stdio[3] as Readable),
    text(child.stderr as Readable),
    new Promise<void>((resolve, reject) => child.once('error', reject).once('exit', () => resolve())),
  ]);
  const pid = readAnswer(launch, answer, complaint);
  const launched = identify(launch, pid);
  writeLaunched(launch, launched);
  return launched;
}

/** Writes the files that stand before the first process: directories, config.json, the lock. Idempotent. */
function writeBundle(launch: Launch): void {
  for (const path of [
    `${launch.directory}/root`,
    `${launch.directory}/tree`,
    launch.exitDirectory,
    launch.runtimeRoot,
  ]) {
    makeDirectory(path, 0o711);
  }
  for (const name of stale) rmSync(`${launch.directory}/${name}`, { force: true });
  rmSync(exitFilePath(launch), { force: true });
  if (launch.isolation === 'full') {
    // It tells the environment, and who may look into the directory is anybody who knows the id.
    writeFileSync(`${launch.directory}/config.json`, JSON.stringify(ociConfiguration(launch)), { mode: 0o600 });
  } else writeFileSync(environmentPath(launch), environmentScript(launch), { mode: 0o600 });
  writeFileSync(lockPath(launch), '', { flag: 'a', mode: 0o600 });
}

/** Lets the command run. @throws GangwayError program-failed */
export async function startContainerProcess(launch: Launch): Promise<void> {
  if (launch.isolation === 'network') return releaseProcess(launch, readContainerProcesses(launch));
  const { code, complaint } = await run(crunCommand(launch, 'start', launch.id));
  if (code !== 0) throw crunFailure(launch, complaint);
}

/**
 * Ends every process of the container and takes away what was made for it: crun's state, control groups, the directory,
 * the exit file. The log stays. Idempotent, and complete whatever half of it existed.
 *
 * conmon is killed before the container where that still runs: it would report an end that is of no interest any more,
 * and start the exit command. Where the container has ended by itself conmon is left alone: we may be its exit command.
 *
 * @throws GangwayError program-failed with the processes that do not end; all but their control group is gone
 */
export async function deleteContainerProcess(launch: Launch): Promise<void> {
  const launched = readContainerProcesses(launch);
  const left = new Set(launched === undefined ? await killPartialLaunch(launch) : []);
  const ended = readExit(launch) !== undefined;
  if (launched !== undefined && !ended) signalProcess(launched.monitor, 'SIGKILL');
  const state = `${launch.runtimeRoot}/${launch.id}`;
  // With its first process the kernel has killed all others: what crun would do is to remove what is removed here.
  if (ended) rmSync(state, { recursive: true, force: true });
  else if (existsSync(state)) {
    const { code, complaint } = await run(crunCommand(launch, 'delete', '--force', launch.id));
    if (code !== 0 && !/does not exist|No such file/.test(complaint)) throw crunFailure(launch, complaint);
  }
  if (launch.isolation === 'network') for (const pid of await killProcesses(launch, launched)) left.add(pid);
  const layout = readLayout();
  for (const pid of await killCgroup(layout, launch.cgroupPath)) left.add(pid);
  unmountTree(launch);
  rmSync(launch.directory, { recursive: true, force: true });
  rmSync(exitFilePath(launch), { force: true });
  if (left.size > 0) throw undying(launch, [...left]);
  removeCgroup(layout, launch.cgroupPath);
}

function undying({ id }: Launch, pids: readonly number[]): GangwayError {
  const message = `container ${id} has processes that were killed and do not end: ${pids.join(', ')}`;
  return new GangwayError('program-failed', message);
}

/**
 * The tree is mounted in crun's mount namespace, and nothing here. Who looks into a container may have mounted it for
 * himself all the same; what is removed must not be what lies below, the machine's own files among it.
 */
function unmountTree({ directory }: Launch): void {
  for (const name of ['root', 'tree']) ignoring(['EINVAL', 'ENOENT'], () => unmount(`${directory}/${name}`));
}

/** What a container is found to be. `lost`: its monitor was killed; how it ended, or will end, nobody can know. */
export type ObservedProcess =
  | { readonly kind: 'absent' | 'created' | 'running' | 'lost' }
  | { readonly kind: 'exited'; readonly exit: ExitInfo };

/** Looks at the processes and files; asks no program. */
export function observeContainerProcess(launch: Launch): ObservedProcess {
  const launched = readContainerProcesses(launch);
  if (launched === undefined) return { kind: 'absent' };
  const exit = readExit(launch);
  if (exit !== undefined) return { kind: 'exited', exit };
  if (!isAlive(launched.monitor)) return { kind: 'lost' };
  // The FIFO on which the first process waits is removed when it is let go.
  const waiting = launch.isolation === 'full' ? `${launch.runtimeRoot}/${launch.id}/exec.fifo` : startFifoPath(launch);
  return { kind: existsSync(waiting) ? 'created' : 'running' };
}

/** Whole or not at all: who is killed in between leaves processes that are known by their command lines (members.ts). */
function writeLaunched({ directory }: Launch, launched: ContainerProcesses): void {
  const path = `${directory}/processes.json`;
  writeFileSync(`${path}.new`, JSON.stringify(launched));
  renameSync(`${path}.new`, path);
}

/** The processes as `launch` found them; undefined where there is no such container. They may have ended since. */
export function readContainerProcesses(launch: Launch): ContainerProcesses | undefined {
  const text = ignoring('ENOENT', () => readFileSync(`${launch.directory}/processes.json`, 'utf8'));
  return text === undefined ? undefined : (JSON.parse(text) as ContainerProcesses);
}

function identify(launch: Launch, pid: number): ContainerProcesses {
  const monitorPid = Number(readFileSync(`${launch.directory}/conmon.pid`, 'utf8'));
  const container = identifyProcess(pid);
  const monitor = identifyProcess(monitorPid);
  if (container === undefined || monitor === undefined) {
    throw new GangwayError('program-failed', `container ${launch.id} was killed while it was being made`);
  }
  return { container, monitor };
}

/** conmon says `{"data": PID}`, or `{"data": -1, "message": "…"}` in crun's words; or nothing, if it never started. */
function readAnswer(launch: Launch, answer: string, complaint: string): number {
  const line = answer.split('\n').find((text) => text.startsWith('{'));
  if (line === undefined) throw crunFailure(launch, complaint === '' ? 'conmon ended without an answer' : complaint);
  const { data, message } = JSON.parse(line) as { readonly data: number; readonly message?: string };
  if (data <= 0) throw crunFailure(launch, message ?? complaint);
  return data;
}

/** crun has one exit status for all errors; which one it was stands in its sentence. */
function crunFailure(launch: Launch, complaint: string): GangwayError {
  const sentence =
    complaint
      .trim()
      .split('\n')
      .at(-1)
      ?.replace(/^.*?\berror: /, '') ?? '';
  const command = launch.command[0] ?? '';
  if (/executable file .* not found|cannot find .* in \$PATH/.test(complaint)) {
    return commandNotFound(command);
  }
  if (/exists but it is not executable|is not a regular file|exec format error/i.test(complaint))
    return commandNotExecutable(command);
  return new GangwayError('program-failed', `container ${launch.id} could not be started: ${sentence}`);
}

async function run(words: readonly string[]): Promise<{ readonly code: number | null; readonly complaint: string }> {
  const child = spawn(words[0] ?? '', words.slice(1), { stdio: ['ignore', 'ignore', 'pipe'] });
  const complaint = text(child.stderr);
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once('error', reject).once('close', resolve),
  );
  const ended = code === null ? `crun was killed by ${child.signalCode}` : `crun ended with ${code}`;
  return { code, complaint: (await complaint) || ended };
}

/** conmon keeps its end open while the container lives: the answer is one line, and not everything up to the end. */
async function firstLine(stream: Readable): Promise<string> {
  let all = '';
  for await (const chunk of stream.setEncoding('utf8')) {
    all += chunk;
    if (all.includes('\n')) break;
  }
  return all;
}

async function text(stream: Readable): Promise<string> {
  let all = '';
  for await (const chunk of stream.setEncoding('utf8')) all += chunk;
  return all;
}
