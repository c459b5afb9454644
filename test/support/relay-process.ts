/** A relay in a process of its own (relay-main.ts), for what is done to whole processes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { testProgram } from './program.ts';

export interface RelayProcess {
  readonly hostPort: number;
  readonly target: string;
  readonly targetPort: number;
  /** Beyond it no client gets a descriptor. Default: no limit. */
  readonly descriptorLimit?: string;
}

/** @param before what runs it: `prlimit --nofile=100` @returns when it serves; it ends with this process at the latest */
export async function startRelayProcess(
  { hostPort, target, targetPort, descriptorLimit = 'Infinity' }: RelayProcess,
  before: readonly string[] = [],
): Promise<ChildProcess> {
  const words = [String(hostPort), target, String(targetPort), descriptorLimit];
  const [program = '', ...parameters] = [...before, ...testProgram('relay-main'), ...words];
  const child = spawn(program, parameters, { stdio: ['ignore', 'pipe', 'inherit'] });
  process.once('exit', () => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child;
}
