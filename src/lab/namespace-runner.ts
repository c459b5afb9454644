/**
 * Runs programs in a place of a lab: the host, or one of the network namespaces around it.
 *
 * All places share processes, files and cgroups; each has its own network.
 */
import { spawn } from 'node:child_process';
import { isAlive } from '../kernel/process.ts';
import { GangwayError } from '../values/errors.ts';
import { Background, formatCommand, programEnvironment, type Result } from './background.ts';
import type { RunningLab } from './lab-process.ts';
import { enter } from './scripts.ts';
import { addressesOf, hostPlace } from './topology.ts';
import { type WaitOptions, waitFor } from './wait.ts';

export interface SpawnOptions {
  /** Added to the environment; undefined removes a variable. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Default: the current one, or `/` if the lab does not have it. */
  readonly workingDirectory?: string;
}

export interface ExecOptions extends SpawnOptions {
  /** The program's stdin. Default: empty. */
  readonly input?: string;
  /** After this time the program is killed, and an error thrown. Default 30,000. */
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

  /** Its addresses in the shared network. */
  get addresses(): { readonly v4: string; readonly v6: string } {
    return addressesOf([hostPlace, ...this.machine.outside].indexOf(this.name));
  }

  /** A path to its network namespace, for any process of the real host. */
  get networkNamespacePath(): string {
    return networkNamespacePath(this.machine, this.name);
  }

  /**
   * Runs a program until it exits and closes its output; a daemon that keeps stdout open counts too. A non-zero exit
   * code is a result, not an error.
   *
   * @throws GangwayError lab-not-found if the lab has ended, program-failed after the timeout
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
   * @throws GangwayError program-failed with the output
   */
  async run(argv: readonly string[], options: ExecOptions = {}): Promise<string> {
    const { exitCode, stdout, stderr } = await this.exec(argv, options);
    if (exitCode === 0) return stdout;
    throw new GangwayError(
      'program-failed',
      `${formatCommand(argv)} (in ${this.name}) exited with ${exitCode}: ${(stderr || stdout).trim()}`,
    );
  }

  /** Starts a program in the background, at most until the lab ends. */
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
   * Starts an HTTP and a UDP server that reply with the client's address, on all IPv4 and IPv6 addresses of this place.
   *
   *      curl http://203.0.113.2/   →   203.0.113.1
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

  async waitFor(argv: readonly string[], options: WaitOptions = {}): Promise<void> {
    const succeeds = async () => (await this.exec(argv)).exitCode === 0;
    await waitFor(`${formatCommand(argv)} succeeds in ${this.name}`, succeeds, options);
  }
}

/**
 * The command that runs `argv` in a place of a lab. `nsenter --pid` forks and passes on the exit code or signal.
 *
 * @throws GangwayError lab-not-found if the lab has ended, or lacks the place
 */
export function nsenterCommand(
  machine: RunningLab,
  place: string,
  argv: readonly string[],
  workingDirectory?: string,
): readonly [string, ...string[]] {
  if (!isAlive(machine.init)) {
    throw new GangwayError('lab-not-found', `lab "${machine.name}" has ended`, {
      hint: 'create it with `gangway lab up`',
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

/** The working directory in a lab: the current one, or `/` if it is hidden there. */
export function workingDirectoryIn({ privateDirectories }: RunningLab, wanted: string = process.cwd()): string {
  return privateDirectories.some((directory) => `${wanted}/`.startsWith(`${directory}/`)) ? '/' : wanted;
}

function networkNamespacePath(machine: RunningLab, place: string): string {
  if (place === hostPlace) return `/proc/${machine.init.pid}/ns/net`;
  if (machine.outside.includes(place)) return `/proc/${machine.init.pid}/root/run/netns/${place}`;
  throw new GangwayError('lab-not-found', `lab "${machine.name}" has no place "${place}"`, {
    hint: `choose one of ${[hostPlace, ...machine.outside].join(', ')}`,
  });
}

/**
 * The program of `Place.serve`, run by a separate Node without any file.
 *
 * Each family has its own sockets, so that an IPv4 client never gets an IPv4-mapped address. UDP replies come from the
 * right address only if the place has one address per family.
 */
export const echoServer = `
'use strict';
const { createServer } = require('node:http');
const { createSocket } = require('node:dgram');
const { once } = require('node:events');
const [httpPort, udpPort] = process.argv.slice(1).map(Number);
async function serve() {
  for (const host of ['0.0.0.0', '::']) {
    const server = createServer((request, response) => response.end(request.socket.remoteAddress + '\\n'));
    server.listen({ port: httpPort, host, ipv6Only: host === '::' });
    await once(server, 'listening');
    const socket = createSocket({ type: host === '::' ? 'udp6' : 'udp4', ipv6Only: host === '::' });
    socket.on('message', (_, peer) => socket.send(peer.address + '\\n', peer.port, peer.address));
    socket.bind(udpPort, host);
    await once(socket, 'listening');
  }
  console.log('ready');
}
serve();
`;
