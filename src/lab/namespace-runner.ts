/**
 * A place in a lab where programs can run: the host, or one of the network namespaces around it.
 *
 * All places of a lab share its processes, files and cgroups; each has its own network.
 */
import { spawn } from 'node:child_process';
import { isAlive } from '../kernel/process.ts';
import { GangwayError } from '../values/errors.ts';
import { Background, type Result } from './background.ts';
import { echoServer } from './echo.ts';
import { programEnvironment } from './environment.ts';
import { formatCommand } from './format-command.ts';
import type { RunningLab } from './lab-process.ts';
import { enter } from './scripts.ts';
import { addressesOf, hostPlace } from './topology.ts';
import { type WaitOptions, waitFor } from './wait.ts';

export interface SpawnOptions {
  /** Added to our own environment; undefined takes a variable away. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Default: ours, or `/` where ours does not exist in the lab. */
  readonly workingDirectory?: string;
}

export interface ExecOptions extends SpawnOptions {
  /** What the program reads from its stdin. Default: nothing. */
  readonly input?: string;
  /** The program is killed, and an error thrown, when it takes longer. Default 30,000. */
  readonly timeoutMilliseconds?: number;
}

export interface ServeOptions {
  /** Default 80. */
  readonly httpPort?: number;
  /** Default 7. */
  readonly udpPort?: number;
}

export class Place {
  constructor(
    private readonly machine: RunningLab,
    readonly name: string,
  ) {}

  /** Its addresses towards the others. */
  get addresses(): { readonly v4: string; readonly v6: string } {
    return addressesOf([hostPlace, ...this.machine.outside].indexOf(this.name));
  }

  /** A path to its network namespace, usable from any process of the machine that made the lab. */
  get networkNamespacePath(): string {
    return networkNamespacePath(this.machine, this.name);
  }

  /**
   * Runs a program and waits for its end, and for the end of its output: a daemon that it leaves behind with the same
   * stdout is waited for, too. A failure of the program is a result, not an error.
   *
   * @throws GangwayError lab-not-found if the lab has ended, program-failed when the time is up
   */
  async exec(argv: readonly string[], options: ExecOptions = {}): Promise<Result> {
    const program = this.spawn(argv, options);
    program.stdin.end(options.input ?? '');
    const timeoutMilliseconds = options.timeoutMilliseconds ?? 30_000;
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      void program.kill();
    }, timeoutMilliseconds);
    const result = await program.result.finally(() => clearTimeout(timer));
    if (!late) return result;
    const said = `${result.stdout}${result.stderr}`.trim();
    throw new GangwayError(
      'program-failed',
      `${formatCommand(argv)} (in ${this.name}) took longer than ${timeoutMilliseconds} ms: ${said}`,
    );
  }

  /**
   * Runs a program that must succeed.
   *
   * @returns its stdout
   * @throws GangwayError program-failed with what it said
   */
  async run(argv: readonly string[], options: ExecOptions = {}): Promise<string> {
    const { exitCode, stdout, stderr } = await this.exec(argv, options);
    if (exitCode === 0) return stdout;
    throw new GangwayError(
      'program-failed',
      `${formatCommand(argv)} (in ${this.name}) ended with ${exitCode}: ${(stderr || stdout).trim()}`,
    );
  }

  /** Starts a program and leaves it running, at most until the lab ends. */
  spawn(argv: readonly string[], options: SpawnOptions = {}): Background {
    const [program, ...parameters] = nsenterCommand(this.machine, this.name, argv, options.workingDirectory);
    const child = spawn(program, parameters, {
      cwd: '/',
      detached: true,
      env: programEnvironment(options.environment),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    return new Background(argv, child);
  }

  /**
   * Starts the servers that tell every caller under which address it was seen: HTTP, and UDP for every datagram, both
   * on all IPv4 and IPv6 addresses of this place.
   *
   *     curl http://203.0.113.2/   →   203.0.113.1
   */
  async serve(options: ServeOptions = {}): Promise<Background> {
    const ports = [`${options.httpPort ?? 80}`, `${options.udpPort ?? 7}`];
    const server = this.spawn([process.execPath, '-e', echoServer, ...ports], {
      environment: { NODE_OPTIONS: undefined },
      workingDirectory: '/',
    });
    await server.waitForOutput(/^ready$/m);
    return server;
  }

  /** Waits until a program succeeds here. */
  async waitFor(argv: readonly string[], options: WaitOptions = {}): Promise<void> {
    const succeeds = async () => (await this.exec(argv)).exitCode === 0;
    await waitFor(`${formatCommand(argv)} succeeds in ${this.name}`, succeeds, options);
  }
}

/**
 * The command that runs `argv` in a place of a lab.
 *
 * `nsenter --pid` forks: the program is a child inside, and nsenter passes its end on, exit code or signal.
 *
 * @throws GangwayError lab-not-found if the lab has ended, or has no such place
 */
export function nsenterCommand(
  machine: RunningLab,
  place: string,
  argv: readonly string[],
  workingDirectory?: string,
): readonly [string, ...string[]] {
  if (!isAlive(machine.init)) {
    throw new GangwayError('lab-not-found', `lab "${machine.name}" has ended`, {
      hint: 'make it again: gangway lab up',
    });
  }
  return [
    'sh',
    '-euc',
    enter,
    'gangway-lab-enter',
    machine.processCgroups.join('\n'),
    'nsenter',
    `--target=${machine.init.pid}`,
    ...['--mount', '--uts', '--ipc', '--pid', '--cgroup'],
    `--net=${networkNamespacePath(machine, place)}`,
    `--wdns=${workingDirectoryIn(machine, workingDirectory)}`,
    '--',
    ...argv,
  ];
}

/** Where a program in a lab starts: where we are, or `/` where that is not to be seen there. */
export function workingDirectoryIn({ privateDirectories }: RunningLab, wanted: string = process.cwd()): string {
  return privateDirectories.some((directory) => `${wanted}/`.startsWith(`${directory}/`)) ? '/' : wanted;
}

function networkNamespacePath(machine: RunningLab, place: string): string {
  if (place === hostPlace) return `/proc/${machine.init.pid}/ns/net`;
  if (machine.outside.includes(place)) return `/proc/${machine.init.pid}/root/run/netns/${place}`;
  throw new GangwayError('lab-not-found', `lab "${machine.name}" has no place "${place}"`, {
    hint: `it has ${[hostPlace, ...machine.outside].join(', ')}`,
  });
}
