/** Debian's Docker beside gangway, on the host of a lab: daemon, client, and a container that a test can look into. */
import type { Background } from '../../src/lab/background.ts';
import { waitFor } from '../../src/lab/wait.ts';
import { answers } from './probe.ts';
import { lacksProgram } from './skip.ts';
import type { Story } from './story-lab.ts';

/** Why there is none, if there is none. */
export function lacksDocker(): string | undefined {
  return lacksProgram({ dockerd: 'docker.io', docker: 'docker-cli', busybox: 'busybox-static' });
}

const environment = { DOCKER_HOST: 'unix:///run/docker.sock', DOCKER_CONFIG: '/run/docker-client', HOME: '/run' };
const options = [
  '--data-root=/run/docker-data',
  '--exec-root=/run/docker',
  '--pidfile=/run/docker.pid',
  '--host=unix:///run/docker.sock',
  '--storage-driver=vfs',
  '--bip=10.99.0.1/24',
];

export class Docker {
  #daemon: Background | undefined;

  /** @param words more options of the daemon */
  constructor(
    readonly story: Story,
    readonly words: readonly string[] = [],
  ) {}

  async start(): Promise<void> {
    this.#daemon = this.story.lab.host.spawn(['dockerd', ...options, ...this.words], { environment });
    const answers = async () => (await this.story.lab.host.exec(['docker', 'version'], { environment })).exitCode === 0;
    await waitFor('dockerd answers', answers, { timeoutMilliseconds: 60_000 });
  }

  async stop(): Promise<void> {
    await this.story.sh('kill "$(cat /run/docker.pid)"');
    await this.#daemon?.result;
  }

  async run(...words: readonly string[]): Promise<string> {
    return (await this.story.lab.host.run(['docker', ...words], { environment, timeoutMilliseconds: 300_000 })).trim();
  }

  /** An image of one static program. */
  async makeImage(): Promise<void> {
    const script = `
      mkdir -p /run/image/bin && cp "$(command -v busybox)" /run/image/bin/busybox && ln -s busybox /run/image/bin/sleep
      tar -C /run/image -c . | docker import - image`;
    await this.story.lab.host.run(['sh', '-euc', script], { environment });
  }

  /** Lets a container that runs be entered by its name below /run/netns, and answer on two ports there. */
  async open(name: string): Promise<{ readonly namespace: string }> {
    const pid = await this.run('inspect', '-f', '{{.State.Pid}}', name);
    await this.story.sh(`ip netns delete ${name} 2>/dev/null || :; ip netns attach ${name} ${pid}`);
    this.story.lab.host.spawn(['ip', 'netns', 'exec', name, ...answers(80, 81)]);
    await this.story.lab.host.waitFor(['ip', 'netns', 'exec', name, 'sh', '-c', "ss -Hlnt 'sport = :81' | grep -q ."]);
    return { namespace: name };
  }
}
