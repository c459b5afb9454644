/**
 * Runs Debian's Docker in a lab: the daemon sees only the lab's network, control groups and /run.
 *
 * All its files are below the lab's own /run. The daemon, containerd and the containers end with the lab.
 */
import { spawnSync } from 'node:child_process';
import type { Background, Result } from '../../src/lab/background.ts';
import { waitFor } from '../../src/lab/wait.ts';
import type { Scenario } from './scenario.ts';
import { type Ground, ground, imageDirectory, World } from './world.ts';

/** Returns the reason if Docker is not available. */
export function missingDocker(): string | undefined {
  for (const [program, debian] of [
    ['dockerd', 'docker.io'],
    ['docker', 'docker-cli'],
    ['busybox', 'busybox-static'],
    ['dig', 'bind9-dnsutils'],
  ] as const) {
    if (spawnSync(program, [program === 'dig' ? '-v' : '--help'], { stdio: 'ignore' }).error === undefined) continue;
    return `${program} is not installed (Debian: ${debian})`;
  }
  return undefined;
}

const environment = {
  DOCKER_HOST: 'unix:///run/docker.sock',
  DOCKER_CONFIG: '/run/parity/client',
  HOME: '/run/parity',
};
const daemonOptions = [
  '--data-root=/run/parity/docker',
  '--exec-root=/run/docker',
  '--pidfile=/run/docker.pid',
  '--host=unix:///run/docker.sock',
  '--storage-driver=vfs',
];

export class DockerWorld extends World {
  private constructor(
    ground: Ground,
    readonly daemon: Background,
  ) {
    super(ground);
  }

  static async start(scenario: Scenario): Promise<DockerWorld> {
    const earth = await ground('docker', scenario);
    const daemon = earth.lab.host.spawn(['dockerd', ...daemonOptions, ...(scenario.daemon ?? [])], { environment });
    const world = new DockerWorld(earth, daemon);
    try {
      await world.ready();
    } catch (error) {
      await earth.lab.down();
      throw new Error(`dockerd does not come up: ${daemon.stderr.trim().split('\n').slice(-5).join('; ')}`, {
        cause: error,
      });
    }
    return world;
  }

  run(words: readonly string[]): Promise<Result> {
    const argv = words.map((word) => (word === 'IMAGE' ? 'image' : word));
    return this.lab.host.exec(['docker', ...argv], { environment, timeoutMilliseconds: 120_000 });
  }

  private async ready(): Promise<void> {
    const answers = async () => (await this.run(['version', '-f', '{{.Server.Version}}'])).exitCode === 0;
    await waitFor('dockerd answers', answers, { timeoutMilliseconds: 120_000 });
    await this.lab.host.run(['sh', '-euc', `tar -C ${imageDirectory} -c . | docker import - image`], { environment });
  }
}
