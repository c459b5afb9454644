/**
 * Measures a published port of docker-proxy and of gangway-docker-proxy: the time until the port is ready, and memory.
 *
 *     sudo scripts/machine node --no-warnings --import=./test/support/register.js bench/docker-proxy.ts [PORTS]
 *
 * Starts the ports one after the other, as dockerd does. PSS divides shared memory among the processes.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { ignoring } from '../src/values/errors.ts';
import { median } from './statistics.ts';

const shim = fileURLToPath(new URL('../dist/engine/docker-proxy/gangway-docker-proxy', import.meta.url));
const [, , words = '1000'] = process.argv;
const firstPort = 20_000;

interface Cost {
  readonly firstMilliseconds: number;
  readonly medianMilliseconds: number;
  readonly allSeconds: number;
  readonly endSeconds: number;
  readonly pssMebibytes: number;
  readonly rssMebibytes: number;
  readonly processes: number;
}

async function measure(program: string, ports: number): Promise<Cost> {
  const before = new Set(readdirSync('/proc'));
  const begun = performance.now();
  const times: number[] = [];
  const children = [];
  for (let index = 0; index < ports; index++) {
    const start = performance.now();
    const port = String(firstPort + index);
    const flags = ['-proto', 'tcp', '-host-ip', '127.0.0.1', '-host-port', port, '-container-ip', '127.0.0.1'];
    const child = spawn(program, [...flags, '-container-port', '80'], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    });
    const [said] = await once(child.stdio[3] as Readable, 'data');
    if (String(said) !== '0\n') throw new Error(`${program}: ${said}`);
    times.push(performance.now() - start);
    children.push(child);
  }
  const allSeconds = (performance.now() - begun) / 1000;
  const memory = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && !before.has(name))
    .map(memoryOf);
  const ending = performance.now();
  for (const child of children) {
    child.kill('SIGINT');
    if (child.exitCode === null) await once(child, 'exit');
  }
  return {
    firstMilliseconds: times[0] ?? 0,
    medianMilliseconds: median(times),
    allSeconds,
    endSeconds: (performance.now() - ending) / 1000,
    pssMebibytes: memory.reduce((sum, { pss }) => sum + pss, 0) / 1024,
    rssMebibytes: memory.reduce((sum, { rss }) => sum + rss, 0) / 1024,
    processes: memory.length,
  };
}

/** In KiB. */
function memoryOf(pid: string): { readonly pss: number; readonly rss: number } {
  const text = ignoring(['ENOENT', 'ESRCH'], () => readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1')) ?? '';
  const field = (name: string) => Number(new RegExp(`^${name}: +(\\d+)`, 'm').exec(text)?.[1] ?? 0);
  return { pss: field('Pss'), rss: field('Rss') };
}

for (const ports of [1, Number(words)]) {
  for (const program of ['docker-proxy', shim]) {
    const cost = await measure(program, ports);
    const line = Object.entries(cost).map(([name, value]) => `${name} ${Math.round(value * 100) / 100}`);
    console.log(`${program.slice(program.lastIndexOf('/') + 1)}, ports ${ports}: ${line.join(', ')}`);
  }
}
