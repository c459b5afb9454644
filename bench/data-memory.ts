/** Measures the memory of carriers: idle with few and many ports, and with thousands of connections. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CarrierKind, DataCarrier } from './data-carriers.ts';
import { type DataForward, services } from './data-forward.ts';
import { memoryMebibytes } from './data-process.ts';
import type { Log } from './log.ts';

const sizes = [1, 1_000, 10_000];
/** docker-proxy uses six open files for each connection, and a hard limit of 20,000 is common. */
const connections = 3_000;
const firstPort = 20_000;
/** Wait before a measurement: V8 returns memory after ten idle seconds. */
const restMilliseconds = 12_000;

/** Measures once, because memory does not depend on the load. @param program program of load.c */
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
      // Skips carriers that are not available or have no process.
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
  await note(log, 'memory, after disconnection', kind, carrier);
}

async function note(log: Log, title: string, kind: CarrierKind, carrier: DataCarrier): Promise<void> {
  await sleep(restMilliseconds);
  log.add(title, kind.name, memoryMebibytes(carrier.pids), 'MiB');
}

function written(count: number): string {
  return count.toLocaleString('en');
}
