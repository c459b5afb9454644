/** What carriers take in memory: idle with few and with many ports, and with thousands of connections. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CarrierKind, DataCarrier } from './data-carriers.ts';
import { type DataForward, services } from './data-forward.ts';
import { memoryMebibytes } from './data-process.ts';
import type { Log } from './log.ts';

const sizes = [1, 1_000, 10_000];
/** docker-proxy takes six open files for each: a hard limit of 20,000, which is common, has no room for more. */
const connections = 3_000;
const firstPort = 20_000;
/** Until who was started, or was asked, has come to rest: V8 gives back what it needed for that when nothing has happened for ten seconds. */
const restMilliseconds = 12_000;

/** Once: memory does not depend on how busy the machine is. @param program load.c's */
export async function measureMemory(
  log: Log,
  kinds: readonly CarrierKind[],
  target: string,
  program: string,
): Promise<void> {
  for (const kind of kinds) {
    for (const size of sizes) {
      if (size > (kind.mostPorts ?? Number.POSITIVE_INFINITY)) continue;
      const carrier = await kind.open(ports(size), target);
      // Who can't take part, or carries without a process, has no memory of its own.
      if ('skipped' in carrier || carrier.pids.length === 0) continue;
      await note(log, `memory, ${written(size)} port${size === 1 ? '' : 's'}`, kind, carrier);
      if (size === 1) await withConnections(log, kind, carrier, program);
      await carrier.close();
    }
  }
}

function ports(count: number): readonly DataForward[] {
  return Array.from({ length: count }, (_, index) => ({
    protocol: 'tcp',
    hostPort: firstPort + index,
    containerPort: services.echo,
  }));
}

async function withConnections(log: Log, kind: CarrierKind, carrier: DataCarrier, program: string): Promise<void> {
  const { address, port } = carrier.find('echo');
  const client = spawn(program, ['hold', address, `${port}`, `${connections}`], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [failures] = (await once(createInterface(client.stdout), 'line')) as [string];
  if (failures !== '0') throw new Error(`${kind.name}: ${failures} of ${connections} connections failed`);
  await note(log, `memory, ${written(connections)} connections`, kind, carrier);
  const ended = once(client, 'exit');
  client.stdin.end();
  await ended;
  await note(log, 'memory, when they have left', kind, carrier);
}

async function note(log: Log, title: string, kind: CarrierKind, carrier: DataCarrier): Promise<void> {
  await sleep(restMilliseconds);
  log.add(title, kind.name, memoryMebibytes(carrier.pids), 'MiB');
}

function written(count: number): string {
  return count.toLocaleString('en');
}
