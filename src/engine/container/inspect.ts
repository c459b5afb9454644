/** `gangway inspect`: Docker's field names, so that what reads `docker inspect` reads this. */
import { bootId } from '../../kernel/boot.ts';
import { pinPath } from '../../kernel/namespace.ts';
import { endpointRoutes } from '../../networks/network.ts';
import { readLaunched } from '../../services/process/launch.ts';
import { type Address, type Family, formatAddress } from '../../values/address.ts';
import { formatConnection } from '../../values/connection-grammar.ts';
import { spread } from '../../values/forward-set.ts';
import { cut } from '../../values/literal.ts';
import type { ConnectionRequest } from '../../values/network.ts';
import { modeName } from '../../values/network.ts';
import { formatPort } from '../../values/port-grammar.ts';
import { present } from '../../values/present.ts';
import { formatExtraHost } from '../../values/resolver-grammar.ts';
import { sysctlName } from '../../values/sysctl-grammar.ts';
import { finishedAtOf } from '../container-state.ts';
import type { Context } from '../context.ts';
import { namesOf } from '../dns/zones.ts';
import type { ContainerInspection } from '../engine.ts';
import { zeroTime } from '../store/network-lookup.ts';
import { type ContainerRecord, hasRun, type NetworkRecord, type Run } from '../store/record.ts';
import { exposedPorts, forwardedPorts, portBindings } from './inspect-ports.ts';
import { linksOf } from './legacy-links.ts';
import { describe, type ObservedContainer, observeContainer } from './list.ts';
import { dataDirectory } from './start.ts';

export function inspect(context: Context, name: string): ContainerInspection {
  const { records } = context;
  const seen = observeContainer(context, records.container(name));
  // It has gone meanwhile: who has its name now?
  if (seen === undefined) return inspect(context, name);
  const { record } = seen;
  const { id, request, life, hostname, createdAt } = record;
  const [path, ...parameters] = request.command;
  return {
    Id: id,
    Created: createdAt,
    Path: path,
    Args: parameters,
    State: state(seen),
    Name: `/${record.name}`,
    RestartCount: record.restarts,
    LogPath: `${dataDirectory(records.directories.state, id)}/log`,
    ...(life === undefined ? {} : filesOf(life)),
    HostConfig: hostConfig(record),
    Config: {
      Hostname: hostname,
      Domainname: request.domainName ?? '',
      User: request.user ?? '',
      Tty: request.terminal,
      OpenStdin: request.interactive,
      Env: life?.launch.environment ?? request.environment,
      Cmd: request.command,
      WorkingDir: request.workingDirectory ?? '',
      ExposedPorts: exposedPorts(request),
    },
    NetworkSettings: networkSettings(record, records.networks()),
  };
}

function filesOf({ launch }: Run) {
  return {
    ResolvConfPath: `${launch.directory}/resolv.conf`,
    HostnamePath: `${launch.directory}/hostname`,
    HostsPath: `${launch.directory}/hosts`,
  };
}

function state(seen: ObservedContainer) {
  const { record, observed } = seen;
  const { life, lastEnd } = record;
  const found = describe(seen, Date.now());
  // Of one that runs, the end before is told by FinishedAt alone, as docker has it.
  const exit = observed?.kind === 'exited' ? observed.exit : found.state === 'running' ? undefined : lastEnd;
  const ending = life === undefined || observed?.kind !== 'exited' ? undefined : finishedAtOf(life, observed.exit);
  return {
    Status: found.state,
    // Docker's: one that waits for its next life counts as running.
    Running: found.state === 'running' || found.state === 'restarting',
    Restarting: found.state === 'restarting',
    OOMKilled: exit?.outOfMemory ?? false,
    Pid: life !== undefined && found.state === 'running' ? (readLaunched(life.launch)?.container.pid ?? 0) : 0,
    ExitCode: exit?.exitCode ?? 0,
    Error: record.failure ?? '',
    StartedAt: life?.startedAt ?? lastEnd?.startedAt ?? zeroTime,
    FinishedAt: ending ?? lastEnd?.finishedAt ?? zeroTime,
  };
}

function hostConfig(record: ContainerRecord) {
  const { request, network } = record;
  const { limits, restart } = request;
  return {
    NetworkMode: network.kind === 'container' ? modeName(network) : modeName(request.network),
    Links: nullIfEmpty(bridgeLinks(record)),
    PortBindings: portBindings(request.publish),
    ...present({
      ProxyProtocol: request.proxyProtocol?.map(formatPort),
      TransparentSource: request.transparentSource?.map(formatPort),
    }),
    Dns: (request.resolver.servers ?? []).map(formatAddress),
    DnsOptions: request.resolver.options ?? [],
    DnsSearch: request.resolver.search ?? [],
    ExtraHosts: nullIfEmpty(request.extraHosts.map((line) => formatExtraHost(line).replace('=', ':'))),
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
    Sysctls: Object.fromEntries(request.sysctls.map(({ key, value }) => [sysctlName(key), value])),
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

function networkSettings(record: ContainerRecord, networks: readonly NetworkRecord[]) {
  const { request, network: mode } = record;
  const life = hasRun(record, bootId()) ? record.life : undefined;
  const settings = (connection?: ConnectionRequest) => endpointSettings(record, life, connection, networks);
  return {
    SandboxID: mode.kind === 'container' ? '' : (life?.namespace ?? ''),
    SandboxKey: life?.namespace === undefined ? '' : pinPath(life.namespace),
    Ports: forwardedPorts(spread(life?.forwards ?? []), request.expose),
    Networks:
      mode.kind === 'networks'
        ? Object.fromEntries(mode.connections.map((connection) => [connection.network, settings(connection)]))
        : mode.kind === 'container'
          ? {}
          : { [mode.kind]: settings() },
  };
}

/** One connection of a container: what was asked for, and while it lives what it has. */
function endpointSettings(
  record: ContainerRecord,
  life: Run | undefined,
  connection: ConnectionRequest | undefined,
  networks: readonly NetworkRecord[],
) {
  const plug = life?.plugs.find(({ request }) => request.network === connection?.network);
  const network = networks.find((candidate) => candidate.id === plug?.networkId)?.network;
  const ways = plug === undefined || network === undefined ? [] : endpointRoutes(network, plug.endpoint);
  const of = (family: Family) => {
    const prefix = plug?.endpoint.addresses.find(({ address }) => address.family === family);
    const gateway = ways.find((way) => way.family === family)?.gateway;
    return { address: prefix === undefined ? '' : formatAddress(prefix.address), length: prefix?.length ?? 0, gateway };
  };
  const [v4, v6] = [of(4), of(6)];
  const text = (address: Address | undefined) => (address === undefined ? '' : formatAddress(address));
  const aliases = connection?.aliases ?? [];
  return {
    IPAMConfig: configured(connection),
    Links: nullIfEmpty((connection?.links ?? []).map(({ container, alias }) => `${container}:${alias}`)),
    Aliases: nullIfEmpty(aliases),
    DriverOpts: driverOptions(connection),
    GwPriority: connection?.gatewayPriority ?? 0,
    NetworkID: plug?.networkId ?? '',
    EndpointID: plug?.endpoint.id ?? '',
    MacAddress: plug?.endpoint.mac ?? connection?.mac ?? '',
    IPAddress: v4.address,
    IPPrefixLen: v4.length,
    Gateway: text(v4.gateway),
    GlobalIPv6Address: v6.address,
    GlobalIPv6PrefixLen: v6.length,
    IPv6Gateway: text(v6.gateway),
    DNSNames: connection === undefined || connection.network === 'bridge' ? null : namesOf(record, aliases),
  };
}

/** `/db:/web/store`: on the default bridge, where links are the container's, and not the connection's. */
function bridgeLinks({ name, network }: ContainerRecord): readonly string[] {
  return linksOf(network)
    .map(({ container, alias }) => `/${container}:/${name}/${alias}`)
    .toSorted();
}

/** Docker's way to write that there are none. */
function nullIfEmpty<T>(values: readonly T[]): readonly T[] | null {
  return values.length === 0 ? null : values;
}

function driverOptions(connection: ConnectionRequest | undefined): Readonly<Record<string, string>> | null {
  const { driverOptions: written = [] } = connection === undefined ? {} : formatConnection(connection);
  return written.length === 0 ? null : Object.fromEntries(written.map(cut));
}

function configured(connection: ConnectionRequest | undefined): object | null {
  const { addresses = [], linkLocalAddresses = [] } = connection ?? {};
  if (addresses.length + linkLocalAddresses.length === 0) return null;
  const of = (family: Family) => addresses.find((address) => address.family === family);
  const [v4, v6] = [of(4), of(6)];
  return {
    ...(v4 === undefined ? {} : { IPv4Address: formatAddress(v4) }),
    ...(v6 === undefined ? {} : { IPv6Address: formatAddress(v6) }),
    ...(linkLocalAddresses.length === 0 ? {} : { LinkLocalIPs: linkLocalAddresses.map(formatAddress) }),
  };
}
