/**
 * Starting a container: from its record to a plan, and from the plan to a life.
 *
 *     ground      ruleset, forwarding, bridge         what is missing of what all share
 *     sandbox     namespace, lo                       chapter 1
 *     endpoint    cable, address, route               chapter 3
 *     ports       elements                            chapter 5; their sockets are bound before, deaf
 *     files       hosts, hostname, resolv.conf
 *     process     crun under conmon
 *
 * Everything is chosen before anything is changed; the record is written when all of it stands.
 */

import { bootId } from '../kernel/boot.ts';
import { pinPath } from '../kernel/namespace.ts';
import { subordinateRange } from '../kernel/user-namespace.ts';
import { attach, type Endpoint } from '../networks/bridge.ts';
import { hosts, resolvConf } from '../networks/files.ts';
import { host } from '../networks/host.ts';
import { none, type Sandbox } from '../networks/none.ts';
import { publish, sockets } from '../networks/publish.ts';
import type { RecordChange } from '../plan/change.ts';
import type { Kinds } from '../plan/kind.ts';
import type { DirectoryStep, FileStep, Step } from '../plan/step.ts';
import type { World } from '../plan/world.ts';
import { allocatePorts, publishAll } from '../services/port-allocation.ts';
import { type Place, prepareLaunch } from '../services/process/prepare.ts';
import type { Address } from '../values/address.ts';
import { GangwayError } from '../values/errors.ts';
import type { PortBinding, PublishedPort } from '../values/port.ts';
import { type Context, carry } from './context.ts';
import { chooseNetwork, draftEndpoint, type Ground, prepareGround } from './networks.ts';
import { hostPorts, machineHosts, machineResolvConf } from './observe.ts';
import type { ContainerRecord, Life } from './records.ts';

/** How often a port is chosen anew that somebody took while we were looking. */
const portAttempts = 10;

interface Connection {
  readonly sandbox?: Sandbox;
  readonly ground?: Ground;
  readonly endpoint?: Endpoint;
  readonly bindings: readonly PortBinding[];
  readonly steps: readonly Step[];
}

/** How a life begins. */
interface Beginning {
  /** Steps that belong to the same change, and come first: the container's own directory, for `run`. */
  readonly before?: readonly Step[];
  /** The kinds of steps, with what is to happen between the container's creation and its start. */
  readonly kinds?: Kinds;
  /** A client is attached. */
  readonly foreground?: boolean;
}

/** Gives the container a life. The caller holds the lock. */
export async function startLife(
  context: Context,
  world: World,
  record: ContainerRecord,
  { before = [], kinds = context.kinds, foreground = false }: Beginning = {},
): Promise<ContainerRecord> {
  if (record.life !== undefined) throw new GangwayError('container-running', `container ${record.name} is running`);
  const connection = await connect(context, world, record);
  const { endpoint, bindings } = connection;
  try {
    const started = draftLife(context, record, connection, foreground);
    await carry(context, world, change(context, started, before, connection), kinds);
    if (!context.dryRun && bindings.length > 0) await context.sockets.serve(record.id);
    return started;
  } catch (error) {
    if (!context.dryRun && endpoint !== undefined && bindings.length > 0) await context.sockets.withdraw(record.id);
    throw error;
  }
}

function change(context: Context, record: ContainerRecord, before: readonly Step[], connection: Connection) {
  const { ground, endpoint, bindings } = connection;
  const [target] = endpoint?.addresses ?? [];
  const { records } = context;
  const steps = [...before, ...(ground?.steps ?? []), ...(record.life?.steps ?? [])];
  const shared: readonly RecordChange[] =
    ground === undefined
      ? []
      : [...(ground.made ? [records.put('networks', ground.network)] : []), records.putMachine(ground.machine)];
  return {
    plan: {
      subject: `${before.length > 0 ? 'run' : 'start'} ${record.name}`,
      direction: 'make' as const,
      steps,
      remarks: target === undefined ? [] : sockets(bindings, target.address),
    },
    records: [records.put('containers', record), ...shared],
  };
}

/** Chooses everything about the container's network, and has its ports bound. */
async function connect(context: Context, world: World, record: ContainerRecord): Promise<Connection> {
  const { request } = record;
  const choice = chooseNetwork(context, world, request.network);
  if (choice.kind === 'host') {
    if (request.publish.length > 0 || request.publishAll)
      context.onWarning('published ports are discarded when using host network mode');
    return { bindings: [], steps: host() };
  }
  const sandbox = draftSandbox(context, record);
  if (choice.kind === 'none') return { sandbox, bindings: [], steps: none(sandbox) };
  const { endpoint, cursor } = draftEndpoint(context, choice.record);
  const ground = prepareGround(context, world, choice.record, { id: record.id, cursor });
  const bindings = await bindPorts(context, record, cursor);
  const steps = [...none(sandbox), ...attach(ground.network.network, endpoint, sandbox), ...publish(bindings, cursor)];
  return { sandbox, ground, endpoint, bindings, steps };
}

function draftSandbox({ records }: Context, { id, request }: ContainerRecord): Sandbox {
  const namespace = `gangway-${id.slice(0, 12)}`;
  if (request.userNamespace === 'host') return { namespace };
  return {
    namespace,
    owner: { pin: `${records.directories.runtime}/containers/${id}.user`, range: subordinateRange() },
  };
}

/** Chooses ports and binds them; again if somebody was faster with one that we chose ourselves. */
async function bindPorts(
  context: Context,
  { id, name, request }: ContainerRecord,
  target: Address,
): Promise<readonly PortBinding[]> {
  const wanted: readonly PublishedPort[] = [
    ...request.publish,
    ...(request.publishAll ? publishAll(request.expose) : []),
  ];
  if (wanted.length === 0) return [];
  const free = wanted.every(
    ({ hostPort, containerPort }) =>
      hostPort !== undefined && hostPort.last - hostPort.first === containerPort.last - containerPort.first,
  );
  for (let attempt = 1; ; attempt++) {
    const host = hostPorts(context.records.everyContainer(), id);
    const bindings = allocatePorts(wanted, { ...host, cursor: host.cursor + attempt - 1 });
    if (context.dryRun) return bindings;
    try {
      await context.sockets.reserve(id, bindings, target, name);
      return bindings;
    } catch (error) {
      const lost = error instanceof GangwayError && error.code === 'port-in-use';
      if (!lost || free || attempt === portAttempts) throw error;
    }
  }
}

function draftLife(
  context: Context,
  record: ContainerRecord,
  connection: Connection,
  foreground: boolean,
): ContainerRecord {
  const { records } = context;
  const { sandbox, endpoint, ground, bindings } = connection;
  const directory = `${records.directories.runtime}/containers/${record.id}`;
  const { launch, warnings } = prepareLaunch(record.request, {
    ...place(context, record, directory, sandbox),
    foreground,
  });
  for (const warning of warnings) context.onWarning(warning);
  const life: Life = {
    boot: bootId(),
    startedAt: new Date().toISOString(),
    launch,
    ...(sandbox === undefined ? {} : { namespace: sandbox.namespace }),
    ...(ground === undefined ? {} : { networkId: ground.network.id }),
    ...(endpoint === undefined ? {} : { endpoint }),
    bindings,
    steps: [
      ...connection.steps,
      ...files(record, directory, connection),
      { kind: 'process', launch, why: 'the command, in namespaces of its own and inside its limits' },
    ],
  };
  const { failure: _, ...lasting } = record;
  return { ...lasting, stopped: false, life };
}

function place(
  { records, exitCommand }: Context,
  record: ContainerRecord,
  directory: string,
  sandbox: Sandbox | undefined,
): Omit<Place, 'foreground'> {
  const { state, runtime } = records.directories;
  const data = dataDirectory(state, record.id);
  return {
    id: record.id,
    directory,
    runtimeRoot: `${runtime}/crun`,
    logPath: `${data}/log`,
    exitDirectory: `${runtime}/exits`,
    hostname: record.hostname,
    network: sandbox === undefined ? { kind: 'host' } : { kind: 'namespace', path: pinPath(sandbox.namespace) },
    ...(sandbox?.owner === undefined ? {} : { userNamespace: { path: sandbox.owner.pin, range: sandbox.owner.range } }),
    hidden: [state, runtime],
    cgroupPath: `/gangway/${record.id}`,
    exitCommand: [...exitCommand, record.id],
    ...(record.request.rootfs?.kind === 'archive' ? { unpackedRoot: `${data}/rootfs` } : {}),
  };
}

/** The container's own directory on the disk: its log, its unpacked archive. */
export function dataDirectory(state: string, id: string): string {
  return `${state}/containers/${id}`;
}

/** The three files that a C library reads, written beside the bundle and bound over those of the tree. */
function files(
  { hostname }: ContainerRecord,
  directory: string,
  { sandbox, endpoint }: Connection,
): readonly (DirectoryStep | FileStep)[] {
  const own = (endpoint?.addresses ?? []).map(({ address }) => address);
  const contents = {
    hosts: sandbox === undefined ? machineHosts() : hosts(hostname, own),
    hostname: `${hostname}\n`,
    'resolv.conf': resolvConf(machineResolvConf(), sandbox === undefined ? 'host' : 'own'),
  };
  return [
    { kind: 'directory', path: directory, mode: 0o711, why: 'the container’s bundle, in memory' },
    ...Object.entries(contents).map(
      ([name, content]): FileStep => ({
        kind: 'file',
        path: `${directory}/${name}`,
        mode: 0o644,
        content,
        why: `what the container reads as /etc/${name}`,
      }),
    ),
  ];
}
