/**
 * Measures published ports: adding and removing one port beside 10, 1,000 and 10,000 ports, a range of ports, and a
 * connection through the last port. Programs take turns, each in its own network namespace.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Absent } from './contender.ts';
import type { Log } from './log.ts';
import { type CarrierName, carriers, isThere } from './port-carriers.ts';
import type { Order } from './port-scene.ts';

const sizes = [10, 1_000, 10_000];
const warmUps = 3;
/** Docker's way adds ports one by one, and is measured with the smallest range only. */
const rangeSizes = [100, 1_000, 10_000];

class Scene {
  private constructor(
    readonly name: CarrierName,
    private readonly child: ChildProcess,
  ) {}

  static async open(name: CarrierName, connect: string): Promise<Scene> {
    const script = fileURLToPath(new URL('port-scene.ts', import.meta.url));
    const child = spawn('unshare', ['--net', process.execPath, ...process.execArgv, script, name, connect], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    await once(child, 'message');
    return new Scene(name, child);
  }

  /** @returns nanoseconds @throws Error with the failure in the child */
  async order(order: Order): Promise<number> {
    const answered = once(this.child, 'message');
    this.child.send(order);
    const [{ nanoseconds, failure }] = (await answered) as [{ nanoseconds?: number; failure?: string }];
    if (nanoseconds === undefined) throw new Error(`${this.name}, ${order.act}: ${failure}`);
    return nanoseconds;
  }

  async close(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.disconnect();
    await ended;
  }
}

/** @param connect the C program for connections */
export async function measurePorts(log: Log, rounds: number, connect: string): Promise<readonly Absent[]> {
  const names = Object.keys(carriers) as CarrierName[];
  for (const size of sizes) {
    const scenes = await Promise.all(names.filter(isThere).map((name) => Scene.open(name, connect)));
    for (const scene of scenes) await scene.order({ act: 'fill', count: size });
    await comeAndGo(log, scenes, rounds, size);
    for (let round = 0; round < rounds; round++) {
      for (const scene of scenes) {
        const nanoseconds = await scene.order({ act: 'connect', count: size });
        log.add(`a connection through the last of ${written(size)} ports`, scene.name, nanoseconds / 1e3, 'µs');
      }
    }
    if (size === sizes[0]) await ranges(log, scenes, rounds);
    for (const scene of scenes) await scene.close();
  }
  return names.filter((name) => !isThere(name)).map((name) => ({ name, skipped: 'apt install netavark' }));
}

async function comeAndGo(log: Log, scenes: readonly Scene[], rounds: number, size: number): Promise<void> {
  for (let round = -warmUps; round < rounds; round++) {
    for (const scene of scenes) {
      const index = size + round + warmUps;
      const added = await scene.order({ act: 'add', index });
      const removed = await scene.order({ act: 'remove', index });
      if (round < 0) continue;
      log.add(`add a port to ${written(size)}`, scene.name, added);
      log.add(`remove a port from ${written(size)}`, scene.name, removed);
    }
  }
}

async function ranges(log: Log, scenes: readonly Scene[], rounds: number): Promise<void> {
  for (const size of rangeSizes) {
    for (let round = 0; round < rounds; round++) {
      for (const scene of scenes) {
        const oneByOne = scene.name.startsWith('Docker');
        if (oneByOne && (size > 100 || round > 1)) continue;
        log.add(`add a range of ${written(size)}`, scene.name, await scene.order({ act: 'range', count: size }));
        const gone = await scene.order({ act: 'unrange', count: size });
        log.add(`remove a range of ${written(size)}`, scene.name, gone);
      }
    }
  }
}

function written(count: number): string {
  return count.toLocaleString('en');
}
