/**
 * What the tests of the story share: a lab, the compiled command line in it, and witnesses that are not ours.
 *
 *     story.run('run', '-d', '--name', 'web', …)      node dist/cli/gangway.js run -d --name web …
 *     story.ip('host', 'address')                     ip -j address
 *     story.ip(web, 'route')                          ip -n gangway-3f2a9c41d0b7 -j route
 *
 * What gangway says of itself is never taken as a proof that it is so.
 */
import { execFileSync } from 'node:child_process';
import type { ExecutionContext } from 'ava';
import type { Result } from '../../src/lab/background.ts';
import { programEnvironment } from '../../src/lab/environment.ts';
import type { Lab, LabOptions } from '../../src/lab/lab.ts';
import type { ExecOptions } from '../../src/lab/place.ts';
import { GangwayError } from '../../src/values/errors.ts';
import { withLab } from './lab.ts';

const program = new URL('../../dist/cli/gangway.js', import.meta.url).pathname;

/** A running container, as the kernel's tools want to be told of it. */
export interface Container {
  readonly id: string;
  /** Its pin below /run/netns. */
  readonly namespace: string;
  /** Its first process, as the lab's host knows it. */
  readonly pid: string;
}

export class Story {
  constructor(readonly lab: Lab) {}

  /** Runs gangway on the lab's host. A failure is a result. */
  gangway(words: readonly string[], options: ExecOptions = {}): Promise<Result> {
    return this.lab.host.exec([process.execPath, program, ...words], options);
  }

  /** Runs a gangway that must succeed. @returns its stdout, without the last line's end */
  async run(...words: readonly string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await this.gangway(words);
    if (exitCode !== 0) throw new GangwayError('program-failed', `gangway ${words.join(' ')}: ${exitCode}, ${stderr}`);
    return stdout.trimEnd();
  }

  /** `gangway run -d WORDS…`, and whom it made. */
  async start(...words: readonly string[]): Promise<Container> {
    const id = await this.run('run', '-d', ...words);
    const pid = (await this.host(`cat /run/gangway/containers/${id}/pid`)).trim();
    return { id, namespace: `gangway-${id.slice(0, 12)}`, pid };
  }

  /** A shell command on the lab's host that must succeed. @returns its stdout */
  host(command: string, ...parameters: readonly string[]): Promise<string> {
    return this.lab.host.run(['sh', '-euc', command, 'sh', ...parameters]);
  }

  /** A shell command in a container's network namespace, with the host's files and programs. */
  inside({ namespace }: Container, command: string): Promise<Result> {
    return this.lab.host.exec(['nsenter', `--net=/run/netns/${namespace}`, 'sh', '-euc', command]);
  }

  /** A file as the container's processes see it. */
  read({ pid }: Container, path: string): Promise<string> {
    return this.host(`cat "/proc/$1/root$2"`, pid, path);
  }

  /** `ip -j WORDS…` on the host or in a container. */
  async ip(where: 'host' | Container, ...words: readonly string[]): Promise<readonly Row[]> {
    const place = where === 'host' ? [] : ['-n', where.namespace];
    return JSON.parse((await this.lab.host.run(['ip', ...place, '-j', '-d', ...words])) || '[]') as readonly Row[];
  }

  /** `sysctl -n KEY` on the host or in a container. */
  async sysctl(where: 'host' | Container, key: string): Promise<string> {
    const place = where === 'host' ? [] : ['nsenter', `--net=/run/netns/${where.namespace}`];
    return (await this.lab.host.run([...place, 'sysctl', '-n', key])).trim().replace('\t', ' ');
  }
}

/** What `ip -j` prints: an object a link, an address or a route. */
// biome-ignore lint/suspicious/noExplicitAny: another program's JSON, of which a test reads what it expects
export type Row = Record<string, any>;

/** Brings dist/ up to date: the tests run what users run. */
export function build(): void {
  const script = new URL('../../scripts/build', import.meta.url).pathname;
  execFileSync(script, { stdio: ['ignore', 'ignore', 'inherit'], env: programEnvironment() });
}

/** Runs the body of a test on a machine of its own. @see withLab */
export function withStory(
  t: ExecutionContext<unknown>,
  topology: LabOptions,
  body: (story: Story) => Promise<void>,
): Promise<void> {
  return withLab(t, topology, (lab) => body(new Story(lab)));
}
