/**
 * Runs the measurements. Programs take turns, A B C D A B C D …, so that a disturbance affects all of them.
 */
import { spawnSync } from 'node:child_process';
import type { Contender } from './contender.ts';
import { timed } from './contender.ts';
import { Log, type Measurement } from './log.ts';
import { settle } from './machine.ts';
import { median } from './statistics.ts';

const warmUps = 2;
/** Containers before the measurement of a resident program, because V8 compiles frequent functions. */
const residentWarmUps = 300;

/** Measures creation and removal of one container at a time, without and with a port. */
export async function measureContainers(contenders: readonly Contender[], rounds: number): Promise<Measurement[]> {
  const log = new Log();
  for (const contender of contenders) if (contender.resident) await warmUp(contender, log);
  for (let round = -warmUps; round < rounds; round++) {
    for (const contender of contenders) {
      for (const published of [false, true]) {
        const settled = settle();
        const created = await contender.create(round + warmUps, published);
        await settled.pause();
        const removed = await contender.remove(round + warmUps);
        await settled.links();
        if (round < 0) continue;
        log.add(published ? 'create, one port published' : 'create', contender.name, created);
        log.add(published ? 'remove, one port published' : 'remove', contender.name, removed);
      }
    }
  }
  return log.measurements;
}

/** Warms up a resident program. The first container has a separate row. */
async function warmUp(contender: Contender, log: Log): Promise<void> {
  const settled = settle();
  for (let index = 0; index < residentWarmUps; index++) {
    const created = await contender.create(index % 100, true);
    await contender.remove(index % 100);
    if (index === 0) log.add('the first one, one port published', contender.name, created);
  }
  await settled.links();
}

/** Measures a thousand simultaneous containers with a port each. */
export async function measureThousand(contenders: readonly Contender[], rounds: number): Promise<Measurement[]> {
  const log = new Log();
  for (let round = 0; round < rounds; round++) {
    for (const contender of contenders) {
      const settled = settle();
      const created: number[] = [];
      const removed: number[] = [];
      for (let index = 0; index < 1_000; index++) created.push(await contender.create(index, true));
      await settled.pause();
      for (let index = 0; index < 1_000; index++) removed.push(await contender.remove(index));
      await settled.links();
      log.add('1,000 containers, created', contender.name, sum(created));
      log.add('1,000 containers, each of the first 50', contender.name, median(created.slice(0, 50)));
      log.add('1,000 containers, each of the last 50', contender.name, median(created.slice(-50)));
      log.add('1,000 containers, removed', contender.name, sum(removed));
    }
  }
  return log.measurements;
}

/** Measures whole commands from process start to exit, and an idle Node. */
export function measureCommands(commands: ReadonlyMap<string, readonly string[]>, rounds: number): Measurement[] {
  const log = new Log();
  for (let round = -warmUps; round < rounds; round++) {
    for (const [name, args] of commands) {
      const duration = timed(() => {
        const done = spawnSync(process.execPath, args, { encoding: 'utf8' });
        if (done.status !== 0) throw new Error(`${name}: exit status ${done.status}: ${done.stderr.trim()}`);
      });
      if (round >= 0) log.add('whole command', name, duration);
    }
  }
  return log.measurements;
}

function sum(samples: readonly number[]): number {
  return samples.reduce((total, sample) => total + sample, 0);
}
