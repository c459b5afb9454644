/** Other proxies for published ports, as their packages configure them. */
import { accessSync, constants, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemPath } from '../src/kernel/run-program.ts';
import { ignoring } from '../src/values/errors.ts';
import type { DataForward } from './data-forward.ts';

export interface Peer {
  readonly name: string;
  /** Debian package. */
  readonly package: string;
  readonly method: string;
  /** Unsupported protocol. */
  readonly without?: 'udp';
  /** Limit of ports for a program with one process for each port. */
  readonly mostPorts?: number;
  /** Returns the commands that serve these ports. */
  commands(program: string, forwards: readonly DataForward[], target: string): readonly (readonly string[])[];
}

const mostProcesses = 1_000;

export const peers: readonly Peer[] = [
  {
    name: 'docker-proxy',
    package: 'docker.io',
    method: 'a process for each port, as dockerd starts it',
    mostPorts: mostProcesses,
    commands: (program, forwards, target) =>
      forwards.map(({ protocol, hostPort, containerPort }) => [
        ...[program, '-proto', protocol, '-host-ip', '127.0.0.1', '-host-port', `${hostPort}`],
        ...['-container-ip', target, '-container-port', `${containerPort}`],
      ]),
  },
  {
    name: 'haproxy',
    package: 'haproxy',
    method: 'mode tcp, option splice-auto, a thread for each processor; without UDP',
    without: 'udp',
    commands: (program, forwards, target) => [[program, '-db', '-f', configure(forwards, target)]],
  },
  {
    name: 'socat',
    package: 'socat',
    method: 'a process for each port, and one for each connection (fork)',
    mostPorts: mostProcesses,
    commands: (program, forwards, target) =>
      forwards.map(({ protocol, hostPort, containerPort }) => {
        const [kind, queue] = protocol === 'tcp' ? ['TCP4', ',backlog=4096'] : ['UDP4', ''];
        const listener = `${kind}-LISTEN:${hostPort},bind=127.0.0.1,fork,reuseaddr${queue}`;
        // socat logs every client that ends with a reset.
        return [program, '-lf', '/dev/null', listener, `${kind}:${target}:${containerPort}`];
      }),
  },
];

/** Returns the path of an installed program. */
export function findPeer({ name }: Peer): string | undefined {
  const files = [...systemPath.split(':'), '/usr/libexec/docker'].map((directory) => join(directory, name));
  return files.find((file) =>
    ignoring(['ENOENT', 'ENOTDIR', 'EACCES'], () => {
      accessSync(file, constants.X_OK);
      return true;
    }),
  );
}

/** Writes haproxy's configuration. Ten thousand ports need 18,600 open files; a hard limit of 20,000 is common. */
function configure(forwards: readonly DataForward[], target: string): string {
  const sections = forwards.map(
    ({ hostPort, containerPort }) =>
      `listen port${hostPort}\n  bind 127.0.0.1:${hostPort} backlog 4096\n  server container ${target}:${containerPort}\n`,
  );
  const defaults =
    'defaults\n  mode tcp\n  option splice-auto\n  timeout connect 10s\n  timeout client 1h\n  timeout server 1h\n';
  const file = join(mkdtempSync(join(tmpdir(), 'haproxy-')), 'haproxy.cfg');
  writeFileSync(file, `global\n  maxconn 4200\n  maxpipes 100\n${defaults}${sections.join('')}`);
  return file;
}
