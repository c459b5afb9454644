/**
 * Docker's own command line as a witness, on a daemon that only pretends: it answers what it is told, over a socket.
 *
 * The client alone (Debian's package docker-cli) reads templates and draws tables; what it prints for some data is what
 * ours has to print for the same.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { lacksProgram } from './skip.ts';

export interface DockerClient {
  readonly run: (...words: readonly string[]) => Promise<Printed>;
  readonly close: () => void;
}

export interface Printed {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Why there is no witness, if there is none. */
export function missingDocker(): string | undefined {
  return lacksProgram({ docker: 'docker-cli' });
}

/** @param answers by path without the version, `/networks`: what the daemon sends. A path that is not there is a 404 */
export async function dockerClient(answers: Readonly<Record<string, unknown>>): Promise<DockerClient> {
  const directory = mkdtempSync(join(tmpdir(), 'gangway-docker-'));
  const socket = join(directory, 'docker.sock');
  const server = createServer((request, response) => {
    const path = (request.url ?? '').replace(/\?.*$/, '').replace(/^\/v[\d.]+/, '');
    const answer = path === '/_ping' ? 'OK' : answers[path];
    response.writeHead(answer === undefined ? 404 : 200, { 'Api-Version': '1.45', 'Content-Type': 'application/json' });
    response.end(JSON.stringify(answer ?? { message: `${path} not found` }));
  });
  await new Promise<void>((listening) => server.listen(socket, listening));
  const run = async (...words: readonly string[]) => {
    const child = spawn('docker', words, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, HOME: directory, TZ: 'UTC', DOCKER_HOST: `unix://${socket}` },
    });
    const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
    const [stdout, stderr, status] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    return { status, stdout, stderr };
  };
  return {
    run,
    close: () => {
      server.close();
      rmSync(directory, { recursive: true });
    },
  };
}
