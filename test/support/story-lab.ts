/**
 * What the tests of the story share: the real program in a lab, its containers, and witnesses that are not ours.
 *
 *     story.start('--name', 'web', …)      gangway run -d --name web …
 *     story.ip('host', 'address')          ip -j -d address
 *     story.ip(web, 'route')               ip -n gangway-3f2a9c41d0b7 -j -d route
 *
 * What gangway says of itself is never taken as a proof that it is so.
 */
import type { ExecutionContext } from 'ava';
import type { Result } from '../../src/lab/background.ts';
import type { LabOptions } from '../../src/lab/lab.ts';
import { Gangway, withGangway } from './gangway.ts';

/** A running container, as the kernel's tools want to be told of it. */
export interface Container {
  readonly id: string;
  /** Its pin below /run/netns. */
  readonly namespace: string;
  /** Its first process, as the lab's host knows it. */
  readonly pid: string;
}

export class Story extends Gangway {
  /** `gangway run -d WORDS…`, and whom it made. */
  async start(...words: readonly string[]): Promise<Container> {
    const id = await this.run('run', '-d', ...words);
    const pid = await this.sh(`cat /run/gangway/containers/${id}/pid`);
    return { id, namespace: `gangway-${id.slice(0, 12)}`, pid };
  }

  /** Gives the machine a resolv.conf of its own, wherever the real one lies: often /etc has a link into /run. */
  async resolvConf(...lines: readonly string[]): Promise<void> {
    const script = `
      file=$(readlink -m /etc/resolv.conf)
      mkdir -p "$(dirname "$file")"
      [ -e "$file" ] || : >"$file"
      printf '%s\\n' "$@" >/run/servers
      mount --bind /run/servers "$file"`;
    await this.sh(script, ...lines);
  }

  /** A shell command in a container's network namespace, with the host's files and programs. */
  inside(container: Container, command: string): Promise<Result> {
    return this.lab.host.exec([...enter(container), 'sh', '-euc', command]);
  }

  /** A file as the container's processes see it. */
  read({ pid }: Container, path: string): Promise<string> {
    return this.lab.host.run(['cat', `/proc/${pid}/root${path}`]);
  }

  /** `ip -j -d WORDS…` on the host or in a container. */
  async ip(where: 'host' | Container, ...words: readonly string[]): Promise<readonly Row[]> {
    const output = await this.lab.host.run([...enter(where), 'ip', '-j', '-d', ...words]);
    return JSON.parse(output || '[]') as readonly Row[];
  }

  /** `sysctl -n KEY` on the host or in a container. */
  async sysctl(where: 'host' | Container, key: string): Promise<string> {
    return (await this.lab.host.run([...enter(where), 'sysctl', '-n', key])).trim().replace('\t', ' ');
  }
}

/** A command as it is typed, and what it prints. @throws GangwayError where it fails */
export function gangway(story: Story, line: string): Promise<string> {
  return story.run(...line.split(' '));
}

/** Its exit status and what it complains. */
export async function refused(story: Story, line: string): Promise<string> {
  const { exitCode, stderr } = await story.exec(line.split(' '));
  return `${exitCode} ${stderr.trim()}`;
}

function enter(where: 'host' | Container): readonly string[] {
  return where === 'host' ? [] : ['nsenter', `--net=/run/netns/${where.namespace}`];
}

/** What `ip -j` prints: an object for each link, address or route. */
// biome-ignore lint/suspicious/noExplicitAny: another program's JSON, of which a test reads what it expects
export type Row = Record<string, any>;

/** Runs the body of a test on a machine of its own. */
export function withStory(
  t: ExecutionContext<unknown>,
  topology: LabOptions,
  body: (story: Story) => Promise<void>,
): Promise<void> {
  return withGangway(t, ({ lab }) => body(new Story(lab)), topology);
}
