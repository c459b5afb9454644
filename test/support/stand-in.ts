/** dockerd's part with a docker-proxy, for tests: descriptor 3 for the status, descriptor 4 for a socket, a signal at the end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

export const standInProgram = fileURLToPath(
  new URL('../../dist/engine/docker-proxy/gangway-docker-proxy', import.meta.url),
);

export interface Launched {
  readonly child: ChildProcess;
  /** All that came through descriptor 3 before it was closed: `0\n`. */
  readonly said: string;
  readonly ended: Promise<number | null>;
}

/** @param socket becomes descriptor 4 */
export async function launch(
  words: readonly string[],
  environment: NodeJS.ProcessEnv,
  socket?: number,
): Promise<Launched> {
  const child = spawn(standInProgram, words, {
    stdio: ['ignore', 'inherit', 'inherit', 'pipe', ...(socket === undefined ? [] : [socket])],
    env: { PATH: process.env.PATH, ...environment },
  });
  const ended = once(child, 'exit').then(([status]) => status as number | null);
  return { child, said: await text(child.stdio[3] as Readable), ended };
}

/** The flags of a port. */
export function flagsOf(proto: string, hostIp: string, hostPort: number, containerIp: string, containerPort: number) {
  const flags = { proto, 'host-ip': hostIp, 'host-port': hostPort, 'container-ip': containerIp };
  const words = Object.entries(flags).flatMap(([name, value]) => [`-${name}`, String(value)]);
  return [...words, '-container-port', String(containerPort)];
}
