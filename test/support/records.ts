/** Records as the engine writes them, with what a test doesn't care about filled in. */
import type { ContainerRecord, Life } from '../../src/engine/record.ts';
import { bootId } from '../../src/kernel/boot.ts';
import type { ContainerRequest } from '../../src/values/container.ts';
import type { Launch } from '../../src/values/launch.ts';
import { connectionTo } from '../../src/values/network.ts';

export const request: ContainerRequest = {
  command: ['sleep', '1'],
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
  network: { kind: 'networks', connections: [connectionTo('bridge')] },
  extraHosts: [],
  resolver: {},
  sysctls: [],
  publish: [],
  publishAll: false,
  expose: [],
};

export function container(parts: Partial<ContainerRecord> = {}): ContainerRecord {
  return {
    id: 'a'.repeat(64),
    name: 'web',
    createdAt: '2026-01-01T00:00:00.000Z',
    hostname: 'web',
    request,
    network: request.network,
    stopped: false,
    restarts: 0,
    steps: [],
    ...parts,
  };
}

const nothing = { sandbox: [], plugs: [], routes: [], forwards: [], published: [], rest: [] };

/** A life whose files lie in `directory`: without them its processes were never there. */
export function lifeIn(directory: string, parts: Partial<Life> = {}): Life {
  const launch = {
    id: 'a'.repeat(64),
    directory,
    exitDirectory: directory,
    runtimeRoot: directory,
  } as unknown as Launch;
  return { boot: bootId(), startedAt: '2026-01-01T00:00:00.000Z', launch, ...nothing, ...parts };
}
