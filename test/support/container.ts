// Runs inside a private machine: takes one container from its request to its end, and tells what was seen, as JSON.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { readLayout } from '../../src/kernel/cgroup.ts';
import { readCounters } from '../../src/kernel/cgroup-counters.ts';
import { addNamespace, deleteNamespace, pinPath } from '../../src/kernel/namespace.ts';
import { createOwnedNetworkNamespace, deleteUserNamespacePin } from '../../src/kernel/user-namespace.ts';
import {
  createContainerProcess,
  deleteContainerProcess,
  observeContainerProcess,
  readContainerProcesses,
  startContainerProcess,
} from '../../src/services/process/launch.ts';
import { resolveLaunch } from '../../src/services/process/resolve-launch.ts';
import { discardCommands, launchCommands } from '../../src/services/process/script.ts';
import type { ContainerRequest } from '../../src/values/container.ts';
import { GangwayError } from '../../src/values/errors.ts';

export interface Scenario {
  readonly request: Partial<ContainerRequest>;
  /** Runs on the host before anything else. */
  readonly beforehand?: string;
  /** Runs on the host between start and end, with the container's pid as $1 and conmon's as $2. */
  readonly meanwhile?: string;
  /** Runs on the host after the end. */
  readonly afterwards?: string;
  /** Runs the explained script in place of the launch. */
  readonly script?: boolean;
}

const id = `t${process.pid}x${process.env.LAB ?? 'none'}`;

async function play(scenario: Scenario): Promise<Record<string, unknown>> {
  if (scenario.beforehand !== undefined) execFileSync('sh', ['-c', scenario.beforehand], { stdio: 'ignore' });
  const directory = `/run/gangway/containers/${id}`;
  mkdirSync(directory, { recursive: true, mode: 0o711 });
  writeFileSync(`${directory}/hosts`, '127.0.0.1 localhost\n172.17.0.2 box\n');
  writeFileSync(`${directory}/hostname`, 'box\n');
  writeFileSync(`${directory}/resolv.conf`, 'nameserver 203.0.113.2\n');
  const range = { first: 100_000, length: 65_536 };
  const owned = scenario.request.userNamespace === 'private';
  if (owned) await createOwnedNetworkNamespace(pinPath(id), `/run/gangway/${id}.user`, range);
  else addNamespace(id);
  const request: ContainerRequest = {
    command: ['true'],
    isolation: 'full',
    readOnly: false,
    volumes: [],
    environment: [],
    terminal: false,
    interactive: false,
    init: false,
    removeOnExit: false,
    restart: { kind: 'no' },
    limits: {},
    userNamespace: 'host',
    capabilities: { add: [], drop: [] },
    network: { kind: 'none' },
    extraHosts: [],
    resolver: {},
    sysctls: [],
    publish: [],
    publishAll: false,
    expose: [],
    ...scenario.request,
  };
  const prepared = resolveLaunch(request, {
    id,
    directory,
    runtimeRoot: '/run/gangway/crun',
    logPath: `/run/gangway/${id}.log`,
    exitDirectory: '/run/gangway/exits',
    hostname: 'box',
    foreground: false,
    ...(owned ? { userNamespace: { path: `/run/gangway/${id}.user`, range } } : {}),
    network: request.network.kind === 'host' ? { kind: 'host' } : { kind: 'namespace', path: `/run/netns/${id}` },
    hidden: ['/var/lib/gangway', '/srv'],
    cgroupPath: `/gangway-${id}/${id}`,
    exitCommand: ['/bin/sh', '-c', 'echo "$1" >/run/gangway/exited', 'sh', id],
  });
  if (scenario.script) {
    const lines = ['set -e', ...launchCommands(prepared.launch)].join('\n');
    // The script leaves the container in the background; the log is whole when that has ended.
    execFileSync('sh', ['-c', `${lines}\nwait "$!"`], { stdio: 'pipe' });
    const log = readFileSync(prepared.launch.logPath, 'utf8');
    execFileSync('sh', ['-c', ['set -e', ...discardCommands(prepared.launch)].join('\n')], { stdio: 'pipe' });
    return { lines, log, left: await leftovers() };
  }
  const t0 = performance.now();
  try {
    await createContainerProcess(prepared.launch);
  } catch (error) {
    // As a plan does: a step that failed is taken back, too.
    await deleteContainerProcess(prepared.launch);
    throw error;
  }
  const t1 = performance.now();
  const created = observeContainerProcess(prepared.launch).kind;
  await startContainerProcess(prepared.launch);
  const t2 = performance.now();
  const processes = readContainerProcesses(prepared.launch);
  const shell = (text: string) =>
    execFileSync('sh', ['-c', text, 'sh', String(processes?.container.pid), String(processes?.monitor.pid)], {
      encoding: 'utf8',
    });
  const meanwhile = scenario.meanwhile === undefined ? '' : shell(scenario.meanwhile);
  while (!['exited', 'lost', 'absent'].includes(observeContainerProcess(prepared.launch).kind))
    await new Promise((r) => setTimeout(r, 5));
  const counters = readCounters(readLayout(), prepared.launch.cgroupPath);
  const observed = observeContainerProcess(prepared.launch);
  const log = readFileSync(prepared.launch.logPath, 'utf8')
    .split('\n')
    .map((l) => l.replace(/^\S+ \S+ [FP] /, ''))
    .join('\n');
  const t3 = performance.now();
  await deleteContainerProcess(prepared.launch);
  await deleteContainerProcess(prepared.launch);
  const t4 = performance.now();
  const afterwards = scenario.afterwards === undefined ? '' : shell(scenario.afterwards);
  deleteNamespace(id);
  deleteUserNamespacePin(`/run/gangway/${id}.user`);
  return {
    created,
    observed,
    log,
    counters,
    meanwhile,
    afterwards,
    left: await leftovers(),
    observedAfter: observeContainerProcess(prepared.launch).kind,
    warnings: prepared.warnings,
    times: { create: t1 - t0, start: t2 - t1, discard: t4 - t3 },
  };
}

/** What is there when the processes have ended, or have had their time to. */
async function leftovers() {
  const processes = await processesLeft();
  return {
    processes,
    mounts: readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .filter((l) => l.includes('gangway') || l.includes(id)),
    groups: readLayout()
      .hierarchies.map((h) => `${h.mountPoint}/gangway-${id}`)
      .filter((p) => existsSync(p)),
    files: execFileSync('find', ['/run/gangway'], { encoding: 'utf8' })
      .split('\n')
      .filter((l) => l.includes(id) && !l.endsWith('.log')),
  };
}

/**
 * The exit file is not conmon's last deed: it runs the exit command and ends by itself, and who was killed is there until
 * it is reaped. What nobody ends outlasts this wait: the commands that a test leaves to be killed sleep for a minute.
 */
async function processesLeft(): Promise<readonly string[]> {
  const deadline = performance.now() + 15_000;
  for (;;) {
    const all = execFileSync('ps', ['-eo', 'comm'], { encoding: 'utf8' }).split('\n').slice(1);
    const left = all.filter((l) => /conmon|crun|sleep/.test(l));
    if (left.length === 0 || performance.now() > deadline) return left;
    await new Promise((r) => setTimeout(r, 5));
  }
}

try {
  const result = await play(JSON.parse(process.argv[2] ?? '{}') as Scenario);
  process.stdout.write(JSON.stringify(result, (_, v) => (typeof v === 'bigint' ? Number(v) : v)));
} catch (error) {
  const { message, code, hint } = error as GangwayError;
  process.stdout.write(
    JSON.stringify({
      error: { message, code, hint, stack: error instanceof GangwayError ? undefined : (error as Error).stack },
    }),
  );
}
