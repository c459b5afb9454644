/** An engine that records its calls and returns fixed answers. */
import type {
  ContainerSummary,
  Engine,
  ExecRequest,
  NetworkInspection,
  NetworkSummary,
  Statistics,
} from '../../src/engine/engine.ts';
import { checkExec, checkRequest } from '../../src/engine/validate-request.ts';
import { parseAddress, parsePrefix } from '../../src/values/address.ts';
import type { ContainerRequest } from '../../src/values/container.ts';
import { parseMac } from '../../src/values/mac.ts';

/** A method call with its arguments. */
export type Call = readonly [method: string, ...given: unknown[]];

export const id = 'd5c0c5b27f1e4a6e9a53c0de7b4d1f0a8e6b3c2d1f0e9d8c7b6a5f4e3d2c1b0a';

export const container: ContainerSummary = {
  id,
  name: 'web',
  command: ['python3', '-m', 'http.server', '80'],
  state: 'running',
  status: 'Up 5 hours',
  createdAt: new Date(Date.now() - 5 * 3_600_000),
  networks: [{ name: 'bridge', id: 'b'.repeat(64) }],
  ports: [],
  exposed: [],
};

const plain = { families: [4], internal: false, labels: {}, dangling: true } as const;

export const networks: readonly NetworkSummary[] = (['bridge', 'host', 'none'] as const).map((name, index) => ({
  id: String(index).repeat(64),
  name,
  driver: name === 'none' ? 'null' : name,
  scope: 'local',
  createdAt: new Date(0),
  ...plain,
}));

export const bridge: NetworkInspection = {
  id: '0'.repeat(64),
  name: 'bridge',
  driver: 'bridge',
  scope: 'local',
  createdAt: new Date(0),
  ...plain,
  attachable: false,
  subnets: [{ subnet: parsePrefix('172.17.0.0/16'), gateway: parseAddress('172.17.0.1'), auxiliary: {} }],
  occupancies: [{ inUse: 4n, available: 65_532n }],
  options: {},
  containers: [
    {
      id,
      name: 'web',
      endpointId: 'e'.repeat(64),
      mac: parseMac('02:42:ac:11:00:02'),
      addresses: [parsePrefix('172.17.0.2/16')],
    },
  ],
};

export const statistics: Statistics = {
  id,
  name: 'web',
  time: new Date(0),
  cpuNanoseconds: 0n,
  throttledPeriods: 3,
  throttledNanoseconds: 1n,
  memoryBytes: 1_572_864,
  memoryLimitBytes: 2 ** 30,
  outOfMemoryKills: 1,
  pids: 2,
  pidsLimit: undefined,
  blockReadBytes: 0n,
  blockWriteBytes: 1_450_000n,
  receivedBytes: 1000n,
  transmittedBytes: 2000n,
};

const answers: Engine = {
  create: async () => id,
  run: async (_request, { streams, onCreated } = {}) => {
    onCreated?.(id);
    return streams === undefined ? { id } : { id, ending: { kind: 'exited', exitCode: 0 } };
  },
  start: async (_name, streams) => (streams === undefined ? undefined : { kind: 'exited', exitCode: 0 }),
  stop: async () => undefined,
  kill: async () => undefined,
  restart: async () => undefined,
  wait: async () => 0,
  remove: async () => undefined,
  list: async () => [container],
  inspect: async () => ({ Id: id, Config: { Tty: false } }),
  ports: async () => [],
  publish: async () => [],
  unpublish: async () => undefined,
  statistics: async () => statistics,
  logs: async function* () {},
  exec: async () => 0,
  attach: async () => ({ kind: 'exited', exitCode: 0 }),
  createNetwork: async () => id,
  removeNetwork: async (name) => name,
  pruneNetworks: async () => ({ removed: [], failures: [] }),
  connect: async () => undefined,
  disconnect: async () => undefined,
  listNetworks: async () => networks,
  inspectNetwork: async () => bridge,
  queryName: async (_container, name) => ({
    name,
    type: 'A',
    status: 'NOERROR',
    records: [`${name} 5 IN A 172.18.0.2`],
    by: 'network',
    why: `gangway answers: ${name} is a name in network front`,
  }),
  reach: async () => [],
  rules: async () => [],
  traffic: async () => ({ networks: [], ports: [], relays: [] }),
  collectGarbage: async () => [],
  events: async function* () {},
  close: () => undefined,
  watch: async () => ({ close: () => {}, async *[Symbol.asyncIterator]() {} }),
};

/** @param overrides methods that replace the fixed answers */
export function fakeEngine(overrides: Partial<Engine>): { readonly engine: Engine; readonly calls: Call[] } {
  const calls: Call[] = [];
  const entries = Object.entries({ ...answers, ...overrides }).map(([method, answer]) => [
    method,
    (...args: unknown[]) => {
      const given = checked(method, args);
      calls.push([method, ...given]);
      return (answer as (...given: unknown[]) => unknown)(...given);
    },
  ]);
  return { engine: Object.fromEntries(entries), calls };
}

/** Validates the request of a call, as the engine does. @throws GangwayError */
function checked(method: string, args: readonly unknown[]): readonly unknown[] {
  const [first, second, ...rest] = args;
  if (method === 'create' || method === 'run') return [checkRequest(first as ContainerRequest), ...args.slice(1)];
  if (method === 'exec') return [first, checkExec(second as ExecRequest), ...rest];
  return args;
}
