/** A lab in which processes of the machine are led by the connect hook, and the same lab in which they can't be. */
import type { ExecutionContext } from 'ava';
import { protocolVersion, type SwitchboardStatus } from '../../src/engine/switchboard/protocol.ts';
import type { LabOptions } from '../../src/lab/lab.ts';
import { waitFor } from '../../src/lab/wait.ts';
import { lacksHook } from './bpf.ts';
import { program } from './gangway.ts';
import { type Answer, type Ask, asking } from './loopback-client.ts';
import { skipUnless } from './skip.ts';
import { Story, withStory } from './story-lab.ts';

export type Way = 'led' | 'relayed';

export class HookScene extends Story {
  readonly way: Way;

  constructor(story: Story, way: Way) {
    super(story.lab);
    this.way = way;
  }

  /** What this test expects where the hook is, and where it is not. */
  either<T>(led: T, relayed: T): T {
    return this.way === 'led' ? led : relayed;
  }

  /** What the switchboard says of itself. Undefined where there is none. */
  async status(): Promise<SwitchboardStatus | undefined> {
    const input = `{"version":${protocolVersion},"request":"status"}\n`;
    const socket = ['socat', '-t', '5', '-', 'UNIX-CONNECT:/run/gangway/switchboard.sock'];
    const { stdout } = await this.lab.host.exec(socket, { input });
    return stdout === '' ? undefined : (JSON.parse(stdout) as { status: SwitchboardStatus }).status;
  }

  /** Waits until so many ports are led to, if they ever are. */
  async settled(ports: number): Promise<void> {
    if (this.way === 'relayed') return;
    await waitFor(`${ports} ports are led to`, async () => {
      const hook = (await this.status())?.hook;
      return hook?.state === 'on' && hook.ports === ports;
    });
  }

  async asks(...asks: readonly Ask[]): Promise<readonly Answer[]> {
    const options = { environment: { NODE_OPTIONS: undefined }, workingDirectory: '/' };
    return JSON.parse(await this.lab.host.run(asking(asks), options)) as readonly Answer[];
  }

  /** The machine's connections to an address, as ss(8) has them: `ESTAB 172.17.0.1:40000 172.17.0.2:7`. */
  async connectionsTo(address: string, port: number): Promise<readonly string[]> {
    const text = await this.lab.host.run(['ss', '-Htn', 'state', 'established', 'dst', `${address}:${port}`]);
    return text.split('\n').filter((line) => line !== '');
  }
}

/**
 * Runs the body of a test in a lab of its own. `relayed`: the switchboard sees no cgroup v2, as on a machine without.
 *
 * `led` is skipped where it can't be.
 */
export async function withHook(
  t: ExecutionContext<unknown>,
  way: Way,
  body: (scene: HookScene) => Promise<void>,
  topology: LabOptions = {},
): Promise<void> {
  if (way === 'led' && process.geteuid?.() === 0 && skipUnless(t, lacksHook())) return;
  await withStory(t, topology, async (story) => {
    const scene = new HookScene(story, way);
    if (way === 'relayed') await startBlind(scene);
    await body(scene);
  });
}

/** A switchboard in a mount namespace in which nothing is below /sys/fs/cgroup. It waits ten seconds for its first client. */
async function startBlind({ lab }: Story): Promise<void> {
  const blind = 'mkdir -p /run/gangway; mount -t tmpfs none /sys/fs/cgroup; exec "$@"';
  const switchboard = lab.host.spawn(['unshare', '--mount', 'sh', '-euc', blind, 'sh', ...program, '_switchboard']);
  await switchboard.waitForOutput(/^ready$/m);
}
