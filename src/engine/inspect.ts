/** `gangway inspect`: Docker's field names, so that what reads `docker inspect` reads this. */
import { pinPath } from '../kernel/namespace.ts';
import { readLaunched } from '../services/process/launch.ts';
import { formatAddress } from '../values/address.ts';
import { GangwayError } from '../values/errors.ts';
import type { Port, PortBinding } from '../values/port.ts';
import { formatPort } from '../values/port-grammar.ts';
import type { Context } from './context.ts';
import { isAlive, observeLife } from './end.ts';
import type { ContainerInspection, NetworkInspection } from './engine.ts';
import { findDefault } from './networks.ts';
import { never } from './predefined.ts';
import type { ContainerRecord, Life } from './records.ts';
import { dataDirectory } from './start.ts';
import { describe, listNetworks } from './view.ts';

export function inspect({ records }: Context, name: string): ContainerInspection {
  const record = records.container(name);
  const { id, request, life, hostname, createdAt } = record;
  const [path, ...parameters] = request.command;
  return {
    Id: id,
    Created: createdAt,
    Path: path,
    Args: parameters,
    State: state(record),
    Name: `/${record.name}`,
    RestartCount: record.restarts,
    LogPath: `${dataDirectory(records.directories.state, id)}/log`,
    ...(life === undefined ? {} : filesOf(life)),
    HostConfig: hostConfig(record),
    Config: {
      Hostname: hostname,
      User: request.user ?? '',
      Tty: request.terminal,
      OpenStdin: request.interactive,
      Env: life?.launch.environment ?? request.environment,
      Cmd: request.command,
      WorkingDir: request.workingDirectory ?? '',
      ExposedPorts: Object.fromEntries(request.expose.map((port) => [formatPort(port), {}])),
    },
    NetworkSettings: networkSettings(record),
  };
}

function filesOf({ launch }: Life) {
  return {
    ResolvConfPath: `${launch.directory}/resolv.conf`,
    HostnamePath: `${launch.directory}/hostname`,
    HostsPath: `${launch.directory}/hosts`,
  };
}

function state(record: ContainerRecord) {
  const { life, lastEnd } = record;
  const found = describe(record, Date.now());
  const observed = life === undefined ? undefined : observeLife(life);
  // Of one that runs, the end before is told by FinishedAt alone, as docker has it.
  const exit = observed?.kind === 'exited' ? observed.exit : found.state === 'running' ? undefined : lastEnd;
  return {
    Status: found.state,
    Running: found.state === 'running',
    Restarting: found.state === 'restarting',
    OOMKilled: exit?.outOfMemory ?? false,
    Pid: life !== undefined && isAlive(life) ? (readLaunched(life.launch)?.container.pid ?? 0) : 0,
    ExitCode: exit?.exitCode ?? 0,
    Error: record.failure ?? '',
    StartedAt: life?.startedAt ?? lastEnd?.startedAt ?? never,
    FinishedAt: lastEnd?.finishedAt ?? never,
  };
}

function hostConfig({ request }: ContainerRecord) {
  const { limits, restart } = request;
  return {
    NetworkMode: request.network,
    AutoRemove: request.removeOnExit,
    RestartPolicy: {
      Name: restart.kind,
      MaximumRetryCount: restart.kind === 'on-failure' ? (restart.maximumRetries ?? 0) : 0,
    },
    Binds: request.volumes.map(({ source, target, readOnly }) => `${source}:${target}${readOnly ? ':ro' : ''}`),
    CapAdd: request.capabilities.add,
    CapDrop: request.capabilities.drop,
    ReadonlyRootfs: request.readOnly,
    UsernsMode: request.userNamespace === 'private' ? 'private' : '',
    Init: request.init,
    PublishAllPorts: request.publishAll,
    Isolation: request.isolation,
    NanoCpus: (limits.cpuMillis ?? 0) * 1_000_000,
    CpuShares: limits.cpuShares ?? 0,
    Memory: limits.memoryBytes ?? 0,
    PidsLimit: limits.pids ?? 0,
    BlkioWeight: limits.blockWeight ?? 0,
    BlkioDeviceReadBps: (limits.deviceReadBytesPerSecond ?? []).map(({ path, bytesPerSecond }) => ({
      Path: path,
      Rate: bytesPerSecond,
    })),
    BlkioDeviceWriteBps: (limits.deviceWriteBytesPerSecond ?? []).map(({ path, bytesPerSecond }) => ({
      Path: path,
      Rate: bytesPerSecond,
    })),
  };
}

function networkSettings({ request, life }: ContainerRecord) {
  const name = request.network === 'default' ? 'bridge' : request.network;
  return {
    SandboxKey: life?.namespace === undefined ? '' : pinPath(life.namespace),
    Ports: ports(life?.bindings ?? [], request.expose),
    Networks: { [name]: endpointSettings(life) },
  };
}

function endpointSettings(life: Life | undefined) {
  const [prefix] = life?.endpoint?.addresses ?? [];
  const gateway = life?.steps.find((step) => step.kind === 'route');
  return {
    NetworkID: life?.networkId ?? '',
    EndpointID: life?.endpoint?.id ?? '',
    MacAddress: life?.endpoint?.mac ?? '',
    IPAddress: prefix === undefined ? '' : formatAddress(prefix.address),
    IPPrefixLen: prefix?.length ?? 0,
    Gateway: gateway?.gateway === undefined ? '' : formatAddress(gateway.gateway),
  };
}

/** Published ports with their host side; exposed ones without. */
function ports(bindings: readonly PortBinding[], exposed: readonly Port[]): Record<string, readonly object[] | null> {
  const found: Record<string, object[] | null> = Object.fromEntries(exposed.map((port) => [formatPort(port), null]));
  for (const { protocol, containerPort, hostAddress, hostPort } of bindings) {
    const key = formatPort({ port: containerPort, protocol });
    found[key] = [...(found[key] ?? []), { HostIp: formatAddress(hostAddress), HostPort: String(hostPort) }];
  }
  return found;
}

/** @throws GangwayError network-not-found */
export function inspectNetwork(context: Context, name: string): NetworkInspection {
  const summary = listNetworks(context).find(
    (network) => network.name === name || (name !== '' && network.id.startsWith(name)),
  );
  if (summary === undefined) {
    throw new GangwayError('network-not-found', `network ${name || '""'} not found`, {
      hint: '`gangway network ls` lists all of them',
    });
  }
  const record = summary.driver === 'bridge' ? findDefault(context.records.networks()) : undefined;
  return {
    ...summary,
    subnets: record?.network.subnets ?? [],
    options:
      record === undefined
        ? {}
        : {
            'com.docker.network.bridge.name': record.network.bridge,
            'com.docker.network.driver.mtu': String(record.network.mtuBytes),
          },
    containers: context.records.containers().flatMap(({ id, name: container, request, life }) => {
      const mode = request.network === 'default' ? 'bridge' : request.network;
      if (life === undefined || mode !== summary.name) return [];
      const { endpoint } = life;
      return [
        {
          id,
          name: container,
          endpointId: endpoint?.id ?? '',
          ...(endpoint === undefined ? {} : { mac: endpoint.mac }),
          addresses: endpoint?.addresses ?? [],
        },
      ];
    }),
  };
}
