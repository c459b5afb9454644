/**
 * Is this JSON a record?
 *
 * Only that is asked on which everybody relies who reads all records at once: one record that somebody has edited, or that
 * a disk has garbled, must not take the others with it. What else may be wrong with it is found by who needs it.
 */
import { basename } from 'node:path';
import type { ProcessIdentity } from '../../kernel/process.ts';
import type { Endpoint } from '../../networks/bridge.ts';
import type { Network } from '../../networks/network.ts';
import { decode, encode } from '../../plan/encoding.ts';
import type { Step } from '../../plan/step.ts';
import type { Address, Prefix } from '../../values/address.ts';
import type { ContainerRequest } from '../../values/container.ts';
import { GangwayError } from '../../values/errors.ts';
import type { ForwardSet, PortRun } from '../../values/forward-set.ts';
import type { Launch } from '../../values/launch.ts';
import type { ConnectionRequest, NetworkMode, Subnet } from '../../values/network.ts';
import { protocols } from '../../values/port.ts';
import type {
  ContainerRecord,
  EndpointRecord,
  HeldAddress,
  LastExit,
  MachineRecord,
  NameServerRecord,
  NetworkRecord,
  Run,
} from './record.ts';

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === 'string';
const isNumber: Check = (value) => typeof value === 'number';
const isFlag: Check = (value) => typeof value === 'boolean';

function optional(check: Check): Check {
  return (value) => value === undefined || check(value);
}

function either(...checks: readonly Check[]): Check {
  return (value) => checks.some((check) => check(value));
}

function only(...words: readonly string[]): Check {
  return (value) => words.includes(value as string);
}

function list(check: Check): Check {
  return (value) => Array.isArray(value) && value.every(check);
}

/** An object with at least these fields. */
function object<T>(fields: { readonly [K in keyof T]?: Check }): Check {
  const checks = Object.entries<Check | undefined>(fields);
  return (value) =>
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    checks.every(([name, check]) => check?.((value as Readonly<Record<string, unknown>>)[name]) ?? true);
}

const anObject = object<object>({});
const objects = list(anObject);
const texts = list(isText);
const steps = list(object<Step>({ kind: isText }));
/** What is no address as it is written stays the text that it was. */
const address = object<Address>({ value: (value) => typeof value === 'bigint' });
const prefix = object<Prefix>({ address, length: isNumber });

const connection = object<ConnectionRequest>({
  network: isText,
  aliases: texts,
  links: objects,
  addresses: list(address),
  linkLocalAddresses: list(address),
  gatewayPriority: isNumber,
  sysctls: objects,
});

const networkMode = either(
  object<NetworkMode>({ kind: only('none', 'host') }),
  object<Extract<NetworkMode, { kind: 'container' }>>({ kind: only('container'), container: isText }),
  object<Extract<NetworkMode, { kind: 'networks' }>>({ kind: only('networks'), connections: list(connection) }),
);

const request = object<ContainerRequest>({
  command: texts,
  isolation: only('full', 'network'),
  volumes: objects,
  environment: texts,
  restart: object<ContainerRequest['restart']>({ kind: isText }),
  limits: anObject,
  capabilities: object<ContainerRequest['capabilities']>({ add: texts, drop: texts }),
  network: networkMode,
  extraHosts: objects,
  resolver: anObject,
  sysctls: objects,
  publish: objects,
  expose: objects,
});

const plug = object<EndpointRecord>({
  networkId: isText,
  request: connection,
  endpoint: object<Endpoint>({ link: isText, addresses: list(prefix) }),
  steps,
});

const forwards = object<ForwardSet>({
  protocol: only(...protocols),
  hostAddress: address,
  target: address,
  ports: list(object<PortRun>({ hostPort: isNumber, containerPort: isNumber, count: isNumber })),
});

const life = object<Run>({
  boot: isText,
  startedAt: isText,
  launch: object<Launch>({ id: isText, directory: isText, exitDirectory: isText, runtimeRoot: isText }),
  namespace: optional(isText),
  joined: optional(isText),
  joinedLife: optional(isText),
  sandbox: steps,
  names: optional(object<NameServerRecord>({ steps, resolver: anObject })),
  plugs: list(plug),
  guard: optional(steps),
  routes: steps,
  forwards: list(forwards),
  published: steps,
  rest: steps,
});

const processIdentity = object<ProcessIdentity>({ pid: isNumber, startTime: isText });

const isContainerRecord = object<ContainerRecord>({
  id: isText,
  name: isText,
  createdAt: isText,
  hostname: isText,
  request,
  network: networkMode,
  stopped: isFlag,
  restarts: isNumber,
  restartedBy: optional(processIdentity),
  restartsInARow: optional(isNumber),
  failure: optional(isText),
  lastEnd: optional(
    object<LastExit>({
      exitCode: either(isNumber, only('unknown')),
      startedAt: isText,
      finishedAt: isText,
      boot: optional(isText),
      waiter: optional(processIdentity),
      addresses: optional(list(object<HeldAddress>({ networkId: isText, address }))),
    }),
  ),
  steps,
  life: optional(life),
});

const subnets = list(
  object<Subnet>({ subnet: prefix, range: optional(prefix), gateway: optional(address), auxiliary: anObject }),
);
const common = { name: isText, subnets };

const isNetworkRecord = object<NetworkRecord>({
  id: isText,
  createdAt: isText,
  request: optional(anObject),
  network: either(
    object<Extract<Network, { kind: 'bridge' }>>({
      ...common,
      kind: only('bridge'),
      bridge: isText,
      gatewayModes: anObject,
    }),
    object<Exclude<Network, { kind: 'bridge' }>>({
      ...common,
      kind: only('macvlan', 'ipvlan'),
      parent: object<Exclude<Network, { kind: 'bridge' }>['parent']>({ kind: isText, link: isText }),
    }),
  ),
  made: optional(object<NonNullable<NetworkRecord['made']>>({ boot: isText, steps })),
});

const isMachineRecord = object<MachineRecord>({
  boot: isText,
  ruleset: steps,
  leaving: optional(steps),
  guard: optional(steps),
  forwarding: steps,
  wayBack: optional(steps),
  cursors: optional(anObject),
});
const schema = 1;
export const shapes = { containers: isContainerRecord, networks: isNetworkRecord, machine: isMachineRecord };
export type RecordKind = keyof typeof shapes;
export function formatRecord(record: ContainerRecord | NetworkRecord | MachineRecord): string {
  return encode({ schema, ...record });
}

/** @returns the record, or what is wrong with it */
export function parseRecord(kind: RecordKind, path: string, text: string): unknown {
  const damaged = (cause?: unknown) =>
    new GangwayError('record-unreadable', `record ${path} is damaged`, {
      hint: '`gangway gc` removes it, and what it left',
      cause,
    });
  let record: { readonly schema?: unknown; readonly id?: unknown } | null;
  try {
    record = decode(text) as typeof record;
  } catch (cause) {
    return damaged(cause);
  }
  if (typeof record?.schema !== 'number' || record.schema < schema) return damaged();
  if (record.schema > schema)
    return new GangwayError('not-supported', `record ${path} was written by a newer gangway`, {
      hint: 'use that version',
    });
  // A file under another's name would be two records of one container.
  const isOwn = kind === 'machine' || basename(path, '.json') === record.id;
  return isOwn && shapes[kind](record) ? record : damaged();
}
