/**
 * The private machine itself: its processes, its namespaces and its mounts.
 *
 * Theory of operation
 *
 *     keeper     sh, outside, in a session of its own (Ctrl-C does not reach it): makes the lab's cgroups,
 *       │        waits, removes them at the end
 *       └ unshare      waits for the first process, and takes it along if it is killed itself
 *           └ first    sh, PID 1 inside: mounts, cables, "ready", then holds the lab and buries its orphans
 *               └ cat  reads the stdin that we hold open; or `sleep infinity` in a lab that outlives us
 *
 * When PID 1 ends, the kernel kills every process of its PID namespace, however it got in, and with the last process go
 * the mounts, the pins and the network namespaces. Nothing else has to be torn down, and no order has to be kept.
 *
 * Two ways to live: `attached`, a test's lab, ends with us, since even SIGKILL closes our end of the pipe. A parent
 * death signal would be weaker: it follows the thread that forked, and test runners work in threads.
 * `detached`, a named lab, lives until `stopLab`.
 *
 * @see pid_namespaces(7), "The namespace init process"
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { identifyProcess, isAlive, type ProcessIdentity, signalProcess } from '../kernel/process.ts';
import { GangwayError, hasErrno, TeardownError } from '../values/errors.ts';
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
import { programEnvironment } from './environment.ts';
import { fstab, type MountOptions, missingMountPoints, privateDirectories } from './mounts.ts';
import { build, join, keeper } from './scripts.ts';
import { type Cabling, cabling, type Topology } from './topology.ts';
import { waitFor } from './wait.ts';

/** A running lab, as data: enough to enter it and to end it, from any process. */
export interface RunningLab {
  readonly name: string;
  /** PID 1 of the lab, as it is known outside. */
  readonly init: ProcessIdentity;
  /** The lab's directory in each cgroup tree. */
  readonly cgroups: readonly string[];
  /** The cgroups that its processes live in. */
  readonly processCgroups: readonly string[];
  /** The places outside, see `Topology`. */
  readonly outside: readonly string[];
  /** Directories that are not the machine's own: a working directory below one of them does not exist inside. */
  readonly privateDirectories: readonly string[];
}

export interface LabProcessOptions extends Topology, MountOptions {
  readonly name: string;
  /** Ends with this process (attached) or lives until `stopLab` (detached). */
  readonly lifetime: 'attached' | 'detached';
}

type Keeper = ChildProcessByStdio<Writable, Readable, Readable>;

/** A lab that stands, and ends with this process. */
export interface StartedLab {
  readonly machine: RunningLab;
  /** Lets a detached one live on by itself. */
  readonly release: () => Promise<void>;
}

/**
 * Builds a lab, and returns when its cables are up.
 *
 * @throws GangwayError not-root, missing-program, invalid-name, invalid-option, program-failed
 */
export async function startLab(options: LabProcessOptions): Promise<StartedLab> {
  if (process.geteuid?.() !== 0) {
    throw new GangwayError('not-root', 'only root can make a lab', { hint: 'repeat the command with sudo' });
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
 * Ends a lab and everything in it, and returns when nothing of it is left. One that has ended already is fine.
 *
 * The keeper removes the cgroups; they are removed here, too, in case it was killed.
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

/** Waits for the first process's two words, `pid N` and `ready`. Whatever comes instead is the reason of the failure. */
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
    throw new GangwayError('program-failed', 'the shell could not be started', { cause: error });
  }
  const init = output.endsWith('\nready\n') ? identifyProcess(Number(/^pid (\d+)$/m.exec(output)?.[1])) : undefined;
  if (init === undefined) throw buildFailed(name, complaints);
  letGo(child);
  return init;
}

/** From here on neither the keeper nor its streams keep our event loop alive; our end of its stdin stays open. */
function letGo(child: Keeper): void {
  child.stdout.destroy();
  child.stderr.destroy();
  // The lab may end before us, and nothing is ever written to it: a broken pipe means nothing here.
  child.stdin.on('error', (error) => {
    if (!hasErrno(error, 'EPIPE', 'ECONNRESET')) throw error;
  });
  (child.stdin as Writable & { unref?: () => void }).unref?.();
  child.unref();
}

function buildFailed(name: string, complaints: string): GangwayError {
  const reason = complaints.trim().split('\n').join('; ');
  const missing = /: (\w+): not found/.exec(reason)?.[1];
  if (missing === undefined) return new GangwayError('program-failed', `lab "${name}" could not be built: ${reason}`);
  return new GangwayError('missing-program', `lab "${name}" could not be built: ${missing} is missing`, {
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
  // mount(8) skips a line whose source and target it finds mounted already; in a lab within a lab it would.
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
