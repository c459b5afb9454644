/**
 * One world of the comparison: a lab, the outside that both worlds share, and a program that takes docker's commands.
 *
 *     ┌─ host 203.0.113.1 ──────────┐      ┌─ world 203.0.113.2 ───────────────────┐
 *     │ dockerd, or gangway         ├──────┤ HTTP :80, UDP :7: who are you?        │
 *     │ resolv.conf: 203.0.113.2    │      │ DNS :53, which writes down what it is │
 *     └─────────────────────────────┘      │ asked                                 │
 *                                          └───────────────────────────────────────┘
 */
import { fileURLToPath } from 'node:url';
import type { Background, Result } from '../../src/lab/background.ts';
import { createLab, type Lab } from '../../src/lab/lab.ts';
import { echoServer } from '../../src/lab/namespace-runner.ts';
import type { Scenario } from './scenario.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Where the tree lies that containers get as their root. */
export const imageDirectory = '/run/parity/image';

/** The name server for all, and a root file system for containers: busybox, and nothing else. */
const furnish = `
mkdir -p ${imageDirectory}/bin ${imageDirectory}/etc ${imageDirectory}/tmp ${imageDirectory}/proc ${imageDirectory}/sys ${imageDirectory}/dev
cp "$(command -v busybox)" ${imageDirectory}/bin/busybox
for applet in sh sleep true cat ip ping nslookup nc wget hostname id env; do ln -s busybox ${imageDirectory}/bin/$applet; done
printf 'root:x:0:0:root:/:/bin/sh\\n' >${imageDirectory}/etc/passwd
printf 'nameserver 203.0.113.2\\nsearch corp.test\\n' >/run/parity/resolv.conf
mount --bind /run/parity/resolv.conf "$(readlink -f /etc/resolv.conf)"
mount -t tmpfs tmpfs /etc/docker
`;

/** A program of this folder, as a command line. */
export function typescriptProgram(file: string): readonly string[] {
  return [process.execPath, '--no-warnings', `--import=${root}test/support/register.js`, `${root}test/parity/${file}`];
}

const nameServerProgram = typescriptProgram('name-server-main.ts');

/** An address of the world where a name server fails at everything. */
const failingServer = '203.0.113.66';

/** The lab and its surroundings, before any program of either side has run. */
export interface Ground {
  readonly lab: Lab;
  readonly nameServer: Background;
  /** The places of the lab; whatever else is named is a container. */
  readonly places: readonly string[];
}

export async function ground(name: string, scenario: Scenario): Promise<Ground> {
  const outside = ['world', ...(scenario.outside ?? [])];
  const lab = await createLab({ name: `parity-${name}-${process.pid}`, outside });
  await lab.world.run(['ip', 'address', 'add', `${failingServer}/24`, 'dev', 'eth0']);
  const nameServer = lab.world.spawn([...nameServerProgram, failingServer]);
  try {
    await Promise.all([
      lab.host.run(['sh', '-euc', `${furnish}${scenario.setting ?? ''}`]),
      ...outside.map((place) => lab.place(place).serve()),
      nameServer.waitForOutput(/^ready$/m, { timeoutMilliseconds: 20_000 }),
    ]);
  } catch (error) {
    await lab.down();
    throw error;
  }
  return { lab, nameServer, places: ['host', ...outside] };
}

export abstract class World implements AsyncDisposable {
  readonly lab: Lab;
  private readonly servers = new Map<string, Background>();
  private readonly pids = new Map<string, string>();
  private heard = 0;

  constructor(protected readonly ground: Ground) {
    this.lab = ground.lab;
  }

  /** Runs the words of a command in docker's grammar. */
  abstract run(words: readonly string[]): Promise<Result>;

  /** What enters the network of a place: nothing for those of the lab. */
  async enter(place: string): Promise<{ readonly place: string; readonly prefix: readonly string[] }> {
    if (this.ground.places.includes(place)) return { place, prefix: [] };
    return { place: 'host', prefix: ['nsenter', '-t', await this.pid(place), '-n'] };
  }

  /** Runs a program of the host in the network of a place. */
  async within(place: string, argv: readonly string[]): Promise<Result> {
    const { place: inside, prefix } = await this.enter(place);
    return this.lab.place(inside).exec([...prefix, ...argv], { timeoutMilliseconds: 20_000 });
  }

  /** A container's first process. */
  async pid(container: string): Promise<string> {
    const known = this.pids.get(container);
    if (known !== undefined) return known;
    const { stdout, stderr } = await this.run(['inspect', '-f', '{{.State.Pid}}', container]);
    const pid = stdout.trim();
    if (!/^[1-9]\d*$/.test(pid)) throw new Error(`${container} does not run: ${stderr.trim()}`);
    this.pids.set(container, pid);
    return pid;
  }

  async serve(container: string): Promise<void> {
    const { prefix } = await this.enter(container);
    const server = this.lab.host.spawn([...prefix, process.execPath, '-e', echoServer, '80', '7'], {
      environment: { NODE_OPTIONS: undefined },
      workingDirectory: '/',
    });
    await server.waitForOutput(/^ready$/m);
    this.servers.set(container, server);
  }

  async serveNames(container: string): Promise<void> {
    const { prefix } = await this.enter(container);
    const server = this.lab.host.spawn([...prefix, ...nameServerProgram]);
    await server.waitForOutput(/^ready$/m, { timeoutMilliseconds: 20_000 });
    this.servers.set(container, server);
  }

  /** To be told before every command: pids are known no longer, and a server would hold on to its container's network. */
  async before(words: readonly string[]): Promise<void> {
    this.pids.clear();
    if (!['stop', 'rm', 'restart', 'kill'].includes(words[0] ?? '')) return;
    for (const word of words) await this.servers.get(word)?.kill();
  }

  /** What the world's name server was asked since the last time. */
  heardSince(): readonly string[] {
    const lines = this.ground.nameServer.stdout.split('\n').filter((line) => line.startsWith('asked '));
    const news = lines.slice(this.heard);
    this.heard = lines.length;
    return news.map((line) => line.slice('asked '.length));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.lab.down();
  }
}
