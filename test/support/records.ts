/** Records as the engine writes them, with what a test doesn't care about filled in. */
import { defaultPolicy } from '../../src/engine/store/network-lookup.ts';
import type { ContainerRecord, NetworkRecord, Run } from '../../src/engine/store/record.ts';
import { bootId } from '../../src/kernel/boot.ts';
import { parseAddress, parsePrefix } from '../../src/values/address.ts';
import type { ContainerRequest } from '../../src/values/container.ts';
import type { Launch } from '../../src/values/launch.ts';
import { parseMac } from '../../src/values/mac.ts';
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
export function lifeIn(directory: string, parts: Partial<Run> = {}): Run {
  const launch = {
    id: 'a'.repeat(64),
    directory,
    exitDirectory: directory,
    runtimeRoot: directory,
  } as unknown as Launch;
  return { boot: bootId(), startedAt: '2026-01-01T00:00:00.000Z', launch, ...nothing, ...parts };
}

/** As the first container's start writes it down. */
export const defaultBridge: NetworkRecord = {
  id: 'f'.repeat(64),
  createdAt: '2026-01-01T00:00:00.000Z',
  network: {
    ...defaultPolicy,
    kind: 'bridge',
    name: 'bridge',
    bridge: 'gangway0',
    mac: parseMac('02:42:00:00:00:09'),
    mtuBytes: 1500,
    subnets: [{ subnet: parsePrefix('172.17.0.0/16'), gateway: parseAddress('172.17.0.1'), auxiliary: {} }],
  },
};
