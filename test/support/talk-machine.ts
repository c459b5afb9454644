/**
 * A small private machine for tests of the talking side: own network, mounts, processes and /run, and containers made by
 * conmon and crun alone, so that nothing of the launching side takes part.
 */
import { execFile, execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { cgroupDirectories, readLayout } from '../../src/kernel/cgroup.ts';
import { identifyProcess, type ProcessIdentity } from '../../src/kernel/process.ts';
import type { AttachTarget } from '../../src/services/process/attach.ts';
import type { MonitoredRun } from '../../src/services/process/wait-exit.ts';
import { ignoring } from '../../src/values/errors.ts';
import { testProgram } from './program.ts';

// crun refuses hybrid control groups, and leaves directories below `unified` if it finds no file system there.
const enter = `mount -t tmpfs tmpfs /run
if [ -d /sys/fs/cgroup/unified ]; then umount /sys/fs/cgroup/unified; mount -t tmpfs tmpfs /sys/fs/cgroup/unified; fi
ip link set lo up
"$@"`;

/** Runs a scenario of talk-scenarios.ts in a new private machine, and gives what it says. */
export async function inPrivateMachine(scenario: string): Promise<Record<string, unknown>> {
  const flags = ['--net', '--mount', '--pid', '--fork', '--ipc', '--uts', '--kill-child', '--mount-proc'];
  const words = [...testProgram('talk-scenarios'), scenario];
  const cgroup = `/gangway-talk-${randomBytes(4).toString('hex')}`;
  const env = { ...process.env, TALK_CGROUP: cgroup };
  const options = { encoding: 'utf8', maxBuffer: 2 ** 24, timeout: 100_000, env } as const;
  const { stdout } = await promisify(execFile)(
    'unshare',
    [...flags, 'sh', '-c', enter, 'sh', ...words],
    options,
  ).finally(() => removeControlGroups(cgroup));
  return JSON.parse(stdout.slice(stdout.lastIndexOf('\n{') + 1)) as Record<string, unknown>;
}

export interface Wanted {
  readonly command: readonly string[];
  readonly terminal?: boolean;
  readonly interactive?: boolean;
  readonly leaveStdinOpen?: boolean;
  readonly logBytes?: number;
}

const cgroup = process.env.TALK_CGROUP ?? '/gangway-talk';

/** A created container, seen from inside the private machine. */
export class TestContainer {
  readonly directory: string;
  readonly logPath: string;
  readonly exitFile: string;
  monitor: ProcessIdentity = { pid: 0, startTime: '' };
  first: ProcessIdentity = { pid: 0, startTime: '' };

  private constructor(
    readonly id: string,
    private readonly wanted: Wanted,
  ) {
    this.directory = `/run/talk/${id}`;
    this.logPath = `${this.directory}/log`;
    this.exitFile = `/run/talk/exits/${id}`;
  }

  static async create(id: string, wanted: Wanted): Promise<TestContainer> {
    const container = new TestContainer(id, wanted);
    container.#writeBundle();
    await container.#startMonitor();
    return container;
  }

  get target(): AttachTarget {
    const { directory: bundleDirectory, life } = this;
    const { terminal = false, interactive = false } = this.wanted;
    return { bundleDirectory, run: life, terminal, interactive };
  }

  get life(): MonitoredRun {
    const { exitFile, monitor } = this;
    return { exitFile, monitor, isCurrent: () => true };
  }

  get execTarget() {
    return {
      id: this.id,
      isolation: 'full',
      directory: this.directory,
      runtimeRoot: '/run/crun',
      environment: [],
      identity: { uid: 0, gid: 0, additionalGids: [] },
      workingDirectory: '/',
    } as const;
  }

  start(): void {
    execFileSync('crun', ['start', this.id]);
  }

  kill(signal: string): void {
    spawnSync('crun', ['kill', this.id, signal]);
  }

  remove(): void {
    spawnSync('crun', ['delete', '--force', this.id]);
    for (const name of ['u', 'w']) execFileSync('rm', ['-rf', `${this.directory}/${name}`]);
    execFileSync('umount', ['--lazy', `${this.directory}/root`]);
    execFileSync('rm', ['-rf', '--one-file-system', this.directory, this.exitFile]);
  }

  #writeBundle(): void {
    const { directory } = this;
    for (const name of ['', '/u', '/w', '/root', '/../exits']) mkdirSync(`${directory}${name}`, { recursive: true });
    const layers = `lowerdir=/,upperdir=${directory}/u,workdir=${directory}/w`;
    execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', layers, `${directory}/root`]);
    execFileSync('crun', ['spec'], { cwd: directory });
    const configuration = JSON.parse(readFileSync(`${directory}/config.json`, 'utf8'));
    configuration.process.args = this.wanted.command;
    configuration.process.terminal = this.wanted.terminal ?? false;
    configuration.root = { path: `${directory}/root`, readonly: false };
    configuration.linux.cgroupsPath = `${cgroup}/${this.id}`;
    writeFileSync(`${directory}/config.json`, JSON.stringify(configuration));
  }

  async #startMonitor(): Promise<void> {
    const { id, directory, wanted } = this;
    const words = [
      ...['--api-version', '1', '-c', id, '-u', id, '-n', id, '-r', '/usr/bin/crun', '-b', directory],
      ...['-p', `${directory}/pid`, '--conmon-pidfile', `${directory}/conmon.pid`, '-l', `k8s-file:${this.logPath}`],
      ...['--exit-dir', '/run/talk/exits', '-0', directory, '--full-attach'],
      ...(wanted.terminal ? ['-t'] : []),
      ...(wanted.interactive ? ['-i'] : []),
      ...(wanted.leaveStdinOpen ? ['--leave-stdin-open'] : []),
      ...(wanted.logBytes === undefined ? [] : ['--log-size-max', String(wanted.logBytes)]),
    ];
    const child = spawn('conmon', words, {
      stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
      env: { PATH: process.env.PATH, _OCI_SYNCPIPE: '3' },
    });
    // conmon keeps its end open: the answer is one line. Its parent writes its number down before it ends, and may be later.
    const [[answer]] = (await Promise.all([once(child.stdio[3] as Readable, 'data'), once(child, 'exit')])) as [
      [Buffer],
      unknown,
    ];
    (child.stdio[3] as Readable).destroy();
    const pid = (JSON.parse(String(answer)) as { data: number }).data;
    this.first = identifyProcess(pid) ?? this.first;
    this.monitor = identifyProcess(Number(readFileSync(`${directory}/conmon.pid`, 'utf8'))) ?? this.monitor;
  }
}

/** Control groups are the machine's, and outlive the private one. */
function removeControlGroups(path: string): void {
  const layout = readLayout();
  for (const directory of cgroupDirectories(layout, path)) {
    for (const name of ignoring('ENOENT', () => readdirSync(directory)) ?? []) {
      ignoring(['ENOTDIR', 'EPERM'], () => rmdirSync(`${directory}/${name}`));
    }
    ignoring('ENOENT', () => rmdirSync(directory));
  }
}
