/**
 * Validates the requests of a client of the library, which may be the command line.
 *
 * The parser of an option validates each value: a value that is not text is formatted as text first. So the library accepts
 * exactly what the command line accepts, with the same errors, before anything changes. The command line parses its text into
 * values and leaves the validation to the engine.
 */
import { availableParallelism } from 'node:os';
import { parseCapability } from '../services/process/capabilities.ts';
import { formatAddress } from '../values/address.ts';
import { checkIntroduced, refuseAimless, withIntroduced } from '../values/client-address.ts';
import { type ContainerRequest, containerRequest, type Limits } from '../values/container.ts';
import { GangwayError } from '../values/errors.ts';
import { oneOf } from '../values/literal.ts';
import { parseContainerName, parseEnvironmentEntry, parseHostname, parseUser } from '../values/names.ts';
import type { NetworkMode } from '../values/network.ts';
import { checkNetworkMode, type OwnStackOption, refuseSharedStack } from '../values/network-mode.ts';
import { checkVolume, isAbsolute, parseWorkingDirectory } from '../values/path.ts';
import type { PublishedPort } from '../values/port.ts';
import { formatPort, formatPublish, parsePort, parsePublish, refuseOverlaps } from '../values/port-grammar.ts';
import { present } from '../values/present.ts';
import {
  parseBlockWeight,
  parseDeviceRate,
  parseMemory,
  parseProcessLimit,
  parseProcessors,
  parseShares,
} from '../values/quantity.ts';
import type { ResolverOverrides } from '../values/resolver.ts';
import {
  formatExtraHost,
  parseDomainName,
  parseExtraHost,
  parseNameServer,
  parseResolverOption,
  parseSearchDomain,
} from '../values/resolver-grammar.ts';
import { formatRestartPolicy, parseRestartPolicy } from '../values/restart.ts';
import { parseSignal } from '../values/signal.ts';
import { formatSysctl, isOfNetwork, parseSysctl } from '../values/sysctl-grammar.ts';
import type { ExecRequest, LogOptions } from './engine.ts';

/**
 * The request in values that can't be wrong.
 *
 * @throws GangwayError that names the option and the remedy
 */
export function checkRequest(asked: ContainerRequest): ContainerRequest {
  const { proxyProtocol = [], transparentSource = [], ...request } = containerRequest(asked);
  const { name, hostname, domainName, user, workingDirectory, rootfs } = request;
  const checked: ContainerRequest = {
    ...request,
    ...(name === undefined ? {} : { name: parseContainerName(text('--name', name)) }),
    ...(hostname === undefined ? {} : { hostname: parseHostname(text('--hostname', hostname)) }),
    ...(domainName === undefined ? {} : { domainName: parseDomainName(text('--domainname', domainName)) }),
    ...(user === undefined ? {} : { user: parseUser(text('--user', user)) }),
    ...(workingDirectory === undefined ? {} : { workingDirectory: parseWorkingDirectory(workingDirectory) }),
    ...(rootfs === undefined ? {} : { rootfs: checkRootfs(rootfs) }),
    command: checkCommand(request.command),
    isolation: oneOf('--isolation', request.isolation, ['full', 'network']),
    volumes: request.volumes.map(checkVolume),
    environment: request.environment.map(parseEnvironmentEntry),
    restart: parseRestartPolicy(formatRestartPolicy(request.restart)),
    limits: checkLimits(request.limits),
    userNamespace: oneOf('--userns', request.userNamespace, ['host', 'private']),
    capabilities: {
      add: request.capabilities.add.map((capability) => parseCapability(capability, '--cap-add')),
      drop: request.capabilities.drop.map((capability) => parseCapability(capability, '--cap-drop')),
    },
    network: checkMode(request.network),
    extraHosts: request.extraHosts.map((line) => parseExtraHost(formatExtraHost(line))),
    resolver: checkResolver(request.resolver),
    sysctls: request.sysctls.map((setting) => parseSysctl(formatSysctl(setting))),
    publish: checkPublish(request.publish),
    expose: request.expose.map((port) => parsePort(formatPort(port))),
  };
  refuseConflicts(checked);
  const introduced = withIntroduced(checked, checkIntroduced({ proxyProtocol, transparentSource }));
  refuseAimless(introduced);
  return introduced;
}

/** What can't be asked for together. @throws GangwayError conflicting-options */
function refuseConflicts(request: ContainerRequest): void {
  if (request.removeOnExit && request.restart.kind !== 'no') {
    throw new GangwayError('conflicting-options', '--rm and --restart exclude each other', {
      hint: 'a removed container cannot be restarted',
    });
  }
  const { servers = [], search = [], options = [] } = request.resolver;
  const given: Readonly<Record<OwnStackOption, boolean>> = {
    '--hostname': request.hostname !== undefined,
    '--domainname': request.domainName !== undefined,
    '--add-host': request.extraHosts.length > 0,
    '--dns': servers.length > 0,
    '--dns-search': search.length > 0,
    '--dns-option': options.length > 0,
    '--publish': request.publish.length > 0,
    '--publish-all': request.publishAll,
    '--expose': request.expose.length > 0,
    '--sysctl': request.sysctls.some(isOfNetwork),
  };
  refuseSharedStack(
    request.network,
    (Object.keys(given) as OwnStackOption[]).filter((option) => given[option]),
  );
}

/** Ports to be published together. @throws GangwayError invalid-port, invalid-address */
export function checkPublish(asked: readonly PublishedPort[]): readonly PublishedPort[] {
  const ports = checkPorts(asked);
  refuseOverlaps(ports);
  return ports;
}

/** @throws GangwayError invalid-port, invalid-address */
export function checkPorts(asked: readonly PublishedPort[]): readonly PublishedPort[] {
  return asked.map((port) => parsePublish(formatPublish(port)));
}

/** @throws GangwayError */
function checkMode(mode: NetworkMode): NetworkMode {
  oneOf('--network', mode?.kind, ['none', 'host', 'container', 'networks']);
  return checkNetworkMode(mode);
}

function checkResolver({ servers = [], search = [], options = [] }: ResolverOverrides): ResolverOverrides {
  return {
    servers: servers.map((address) => parseNameServer(formatAddress(address))),
    search: search.map(parseSearchDomain),
    options: options.map(parseResolverOption),
  };
}

/** A further command. @throws GangwayError invalid-option, usage */
export function checkExec(request: ExecRequest): ExecRequest {
  const { command, environment, user, workingDirectory } = request;
  return {
    ...request,
    command: checkCommand(command),
    environment: environment.map(parseEnvironmentEntry),
    ...(user === undefined ? {} : { user: parseUser(text('--user', user)) }),
    ...(workingDirectory === undefined ? {} : { workingDirectory: parseWorkingDirectory(workingDirectory) }),
  };
}

/** How a container is to be stopped. @throws GangwayError invalid-option */
export function checkStop<T extends { readonly timeoutSeconds?: number; readonly signal?: string }>(asked: T): T {
  const { timeoutSeconds = 0, signal } = asked;
  if (Number.isNaN(Number(timeoutSeconds))) throw invalid('--timeout', timeoutSeconds, 'is no number of seconds');
  if (signal !== undefined) parseSignal(signal);
  return asked;
}

/** Which part of a log. @throws GangwayError invalid-option */
export function checkLogs(asked: LogOptions): LogOptions {
  const { tail = 0, since, until } = asked;
  if (!Number.isSafeInteger(tail) || tail < 0) throw invalid('--tail', tail, 'is no number of lines');
  for (const [option, moment] of [
    ['--since', since],
    ['--until', until],
  ] as const) {
    if (moment !== undefined && Number.isNaN(moment.getTime())) throw invalid(option, moment, 'is no time');
  }
  return asked;
}

/** A program that is not written in TypeScript may give anything, and a pattern takes the number 80 for a text. */
function text(option: string, value: unknown): string {
  if (typeof value === 'string') return value;
  throw invalid(option, value, 'is no text');
}

function checkCommand(command: readonly string[]): readonly string[] {
  if (command.length === 0) throw new GangwayError('usage', 'no command was given');
  for (const word of command) {
    if (text('command', word).includes('\0')) throw invalid('command', word, 'holds a zero byte');
  }
  return command;
}

function checkRootfs(rootfs: NonNullable<ContainerRequest['rootfs']>): NonNullable<ContainerRequest['rootfs']> {
  const kind = oneOf('--rootfs', rootfs.kind, ['directory', 'archive']);
  if (!isAbsolute(text('--rootfs', rootfs.path))) throw invalid('--rootfs', rootfs.path, 'is no absolute path');
  return { kind, path: rootfs.path };
}

/** Each limit as its option is written. What is not asked for, or no limit, is absent. */
function checkLimits(limits: Limits): Limits {
  const { cpuMillis, cpuShares, memoryBytes, pids, blockWeight } = limits;
  const read = <T>(value: number | undefined, parse: (text: string) => T) =>
    value === undefined ? undefined : parse(String(value));
  const rates = (asked: Limits['deviceReadBytesPerSecond'], option: string) =>
    asked?.map(({ path, bytesPerSecond }) => parseDeviceRate(`${path}:${bytesPerSecond}`, option));
  const checked = {
    cpuMillis: read(cpuMillis === undefined ? undefined : cpuMillis / 1000, (text) =>
      parseProcessors(text, availableParallelism()),
    ),
    cpuShares: read(cpuShares, parseShares),
    memoryBytes: read(memoryBytes, parseMemory),
    pids: read(pids, parseProcessLimit),
    deviceReadBytesPerSecond: rates(limits.deviceReadBytesPerSecond, '--device-read-bps'),
    deviceWriteBytesPerSecond: rates(limits.deviceWriteBytesPerSecond, '--device-write-bps'),
    blockWeight: read(blockWeight, parseBlockWeight),
  };
  return present(checked);
}

function invalid(option: string, value: unknown, what: string): GangwayError {
  return new GangwayError('invalid-option', `${option} ${JSON.stringify(value) ?? value} ${what}`);
}
