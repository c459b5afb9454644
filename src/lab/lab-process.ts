/**
 * The lab's processes, namespaces and mounts.
 *
 *      keeper     sh, outside, in its own session (not affected by Ctrl-C): creates the lab's cgroups, waits for its
 *        │        end, removes them
 *        └ unshare      waits for the first process, and kills it when killed itself
 *            └ first    sh, PID 1 inside: mounts, links, prints "ready", then reaps orphans
 *                └ cat  reads the stdin that the caller holds open; or `sleep infinity` in a named lab
 *
 * When PID 1 exits, the kernel kills every process of its PID namespace. With the last process, the mounts, pins and
 * network namespaces are removed. No other teardown is necessary.
 *
 * An `attached` lab (of a test) ends with its creator, since the kernel closes the pipe even after SIGKILL. A parent
 * death signal would follow the thread that forked, and test runners use threads. A `detached` (named) lab runs until
 * `stopLab`.
 *
 * @see pid_namespaces(7), "The namespace init process"
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { identifyProcess, isAlive, type ProcessIdentity, signalProcess } from '../kernel/process.ts';
import { GangwayError, hasErrno, TeardownError } from '../values/errors.ts';
import { programEnvironment } from './background.ts';
import {
  aliases,
  type Hierarchy,
  hierarchies,
  labDirectories,
  listTree,
  removeTree,
  sweep,
  unifiedLeaf,
} from './cgroups.ts';
import { fstab, type MountOptions, missingMountPoints, privateDirectories } from './mounts.ts';
import { build, join, keeper } from './scripts.ts';
import { type Cabling, cabling, type Topology } from './topology.ts';
import { waitFor } from './wait.ts';

/** A running lab as data, enough to enter or stop it from any process. */
export interface RunningLab {
  readonly name: string;
  /** PID 1 of the lab, by its outer pid. */
  readonly init: ProcessIdentity;
  readonly cgroups: readonly string[];
  readonly processCgroups: readonly string[];
  /** See `Topology`. */
  readonly outside: readonly string[];
  /** Directories that the lab does not share with the host: a working directory there does not exist inside. */
  readonly privateDirectories: readonly string[];
}

export interface LabProcessOptions extends Topology, MountOptions {
  readonly name: string;
  /** `attached` ends with this process, `detached` runs until `stopLab`. */
  readonly lifetime: 'attached' | 'detached';
}

type Keeper = ChildProcessByStdio<Writable, Readable, Readable>;

/** A started lab, which ends with this process. */
export interface StartedLab {
  readonly machine: RunningLab;
  /** Lets a detached lab continue without this process. */
  readonly release: () => Promise<void>;
}

/**
 * Starts a lab, and returns when its links are up.
 *
 * @throws GangwayError not-root, missing-program, invalid-name, invalid-option, program-failed
 */
export async function startLab(options: LabProcessOptions): Promise<StartedLab> {
  if (process.geteuid?.() !== 0) {
    throw new GangwayError('not-root', 'only root can create a lab', { hint: 'run the command with sudo' });
  }
  const cables = cabling(options);
  const trees = hierarchies();
  sweep(trees);
  const instance = randomBytes(4).toString('hex');
  const cgroups = labDirectories(trees, options.name, instance);
  const child = spawn(
    'sh',
    ['-uc', keeper, 'gangway-lab-keeper', ...keeperArguments(options, instance, cables, trees, cgroups)],
    {
      cwd: '/',
      detached: true,
      env: programEnvironment(),
      stdio: ['pipe', 'pipe', 'pipe'],
    },
  );
  const init = await ready(child, options.name);
  const machine = {
    name: options.name,
    init,
    cgroups,
    processCgroups: cgroups.map((directory, index) =>
      trees[index]?.unified ? `${directory}/${unifiedLeaf}` : directory,
    ),
    outside: options.outside ?? ['world'],
    privateDirectories: privateDirectories(options),
  };
  return { machine, release: () => new Promise((resolve) => child.stdin.write('stay\n', () => resolve())) };
}

/**
 * Stops a lab with everything in it, and returns when nothing is left. A stopped lab is fine.
 *
 * The keeper removes the cgroups; this function does too, in case the keeper was killed.
 *
 * @throws TeardownError if a cgroup can't be removed
 */
export async function stopLab(machine: RunningLab): Promise<void> {
  signalProcess(machine.init, 'SIGKILL');
  await waitFor(`lab "${machine.name}" has ended`, () => !isAlive(machine.init));
  const rest = () => machine.cgroups.flatMap(listTree);
  try {
    await waitFor('its cgroups are gone', () => {
      for (const directory of machine.cgroups) removeTree(directory);
      return rest().length === 0;
    });
  } catch (error) {
    if (!(error instanceof GangwayError)) throw error;
    throw new TeardownError(
      `lab "${machine.name}"`,
      rest().map((directory) => new Error(`${directory} is still in use`)),
    );
  }
}

/** Waits for the lines `pid N` and `ready`. Any other output explains the failure. */
async function ready(child: Keeper, name: string): Promise<ProcessIdentity> {
  let output = '';
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text;
  });
  const announced = new Promise<void>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (output.endsWith('\nready\n')) resolve();
    });
  });
  try {
    await Promise.race([announced, once(child, 'close')]);
  } catch (error) {
    throw new GangwayError('program-failed', 'cannot start a shell', { cause: error });
  }
  const init = output.endsWith('\nready\n') ? identifyProcess(Number(/^pid (\d+)$/m.exec(output)?.[1])) : undefined;
  if (init === undefined) throw buildFailed(name, complaints);
  letGo(child);
  return init;
}

/** Detaches the keeper and its output from the event loop; its stdin stays open. */
function letGo(child: Keeper): void {
  child.stdout.destroy();
  child.stderr.destroy();
  // The lab may end first, so a broken pipe is expected.
  child.stdin.on('error', (error) => {
    if (!hasErrno(error, 'EPIPE', 'ECONNRESET')) throw error;
  });
  (child.stdin as Writable & { unref?: () => void }).unref?.();
  child.unref();
}

function buildFailed(name: string, complaints: string): GangwayError {
  const reason = complaints.trim().split('\n').join('; ');
  const missing = /: (\w+): not found/.exec(reason)?.[1];
  if (missing === undefined) return new GangwayError('program-failed', `cannot create lab "${name}": ${reason}`);
  return new GangwayError('missing-program', `cannot create lab "${name}": ${missing} is not installed`, {
    hint: 'apt install util-linux iproute2',
  });
}

function keeperArguments(
  options: LabProcessOptions,
  instance: string,
  cables: Cabling,
  trees: readonly Hierarchy[],
  cgroups: readonly string[],
): readonly string[] {
  // mount(8) skips a line whose source and target are mounted already, as in a lab within a lab.
  const source = `gangway-lab-${instance}`;
  const overlays = missingMountPoints();
  return [
    join,
    `${cgroups.length}`,
    ...cgroups,
    '--',
    build,
    options.lifetime === 'attached' ? 'eof' : 'down',
    options.name,
    source,
    overlays.flatMap(({ scratch, mountPoint }) => [`${scratch}/upper${mountPoint}`, `${scratch}/work`]).join(' '),
    fstab(source, options, trees, overlays),
    aliases()
      .map(({ name, target }) => `${name} ${target}`)
      .join('\n'),
    cables.batch,
    ...cables.wirings.flatMap(({ place, link, batch }) => [place, link, batch]),
  ];
}
