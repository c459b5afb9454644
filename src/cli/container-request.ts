/** Parses the options of `run` and `create` into a request; the engine validates it (engine/validate-request.ts). */
import { statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { parseIntroduced } from '../values/client-address.ts';
import type { ContainerRequest, Limits } from '../values/container.ts';
import { GangwayError, ignoring } from '../values/errors.ts';
import { oneOf } from '../values/literal.ts';
import type { NetworkMode } from '../values/network.ts';
import { parseNetworkMode } from '../values/network-mode.ts';
import { isAbsolute, parseVolume } from '../values/path.ts';
import { parseExpose, parsePublish } from '../values/port-grammar.ts';
import { present } from '../values/present.ts';
import {
  parseBlockWeight,
  parseDeviceRate,
  parseMemory,
  parseProcessLimit,
  parseProcessors,
  parseShares,
} from '../values/quantity.ts';
import { parseExtraHost, parseNameServer } from '../values/resolver-grammar.ts';
import { parseRestartPolicy } from '../values/restart.ts';
import { parseSysctl } from '../values/sysctl-grammar.ts';
import type { createOptions } from './container-options.ts';
import type { Parsed } from './grammar.ts';

type Environment = Readonly<Record<string, string | undefined>>;
type CreateOptions = Parsed<typeof createOptions>['options'];

/**
 * Parses the options of `run` and `create`.
 *
 * @param environment values for `-e NAME` without a value
 * @throws GangwayError for an option whose value cannot be parsed
 */
export function containerRequest(parsed: Parsed<typeof createOptions>, environment: Environment): ContainerRequest {
  const { options, args: command } = parsed;
  return {
    ...present({
      name: options.name,
      rootfs: options.rootfs === undefined ? undefined : rootfs(options.rootfs),
      hostname: options.hostname,
      user: options.user,
      workingDirectory: options.workdir,
      domainName: options.domainname,
    }),
    command,
    isolation: oneOf('--isolation', options.isolation ?? 'full', ['full', 'network']),
    readOnly: options['read-only'],
    volumes: options.volume.map(parseVolume),
    environment: environmentEntries(options.env, environment),
    terminal: options.tty,
    interactive: options.interactive,
    init: options.init,
    removeOnExit: options.rm,
    restart: parseRestartPolicy(options.restart ?? 'no'),
    limits: limits(options),
    userNamespace: oneOf('--userns', options.userns ?? 'host', ['host', 'private']),
    capabilities: { add: options['cap-add'], drop: options['cap-drop'] },
    network: networkMode(options),
    extraHosts: options['add-host'].map(parseExtraHost),
    resolver: {
      servers: options.dns.map(parseNameServer),
      search: options['dns-search'],
      options: options['dns-option'],
    },
    sysctls: options.sysctl.map((text) => parseSysctl(text)),
    publish: options.publish.map(parsePublish),
    publishAll: options['publish-all'],
    expose: options.expose.flatMap(parseExpose),
    ...parseIntroduced({
      proxyProtocol: options['proxy-protocol'],
      transparentSource: options['transparent-source'],
    }),
  };
}

/** Resolves `-e NAME` to the value of the caller's variable; leaves it out if the variable is not set. */
export function environmentEntries(entries: readonly string[], environment: Environment): readonly string[] {
  return entries.flatMap((entry) => {
    if (entry.includes('=') || entry === '') return [entry];
    const value = Object.hasOwn(environment, entry) ? environment[entry] : undefined;
    return value === undefined ? [] : [`${entry}=${value}`];
  });
}

function limits(options: CreateOptions): Limits {
  const parse = <T>(text: string | undefined, parser: (text: string) => T) =>
    text === undefined ? undefined : parser(text);
  return present({
    cpuMillis: parse(options.cpus, (text) => parseProcessors(text, availableParallelism())),
    cpuShares: parse(options['cpu-shares'], parseShares),
    memoryBytes: parse(options.memory, parseMemory),
    pids: parse(options['pids-limit'], parseProcessLimit),
    deviceReadBytesPerSecond: deviceRates(options['device-read-bps'], '--device-read-bps'),
    deviceWriteBytesPerSecond: deviceRates(options['device-write-bps'], '--device-write-bps'),
    blockWeight: parse(options['blkio-weight'], parseBlockWeight),
  });
}

function deviceRates(texts: readonly string[], option: string) {
  return texts.length === 0 ? undefined : texts.map((text) => parseDeviceRate(text, option));
}

function rootfs(text: string): NonNullable<ContainerRequest['rootfs']> {
  if (text === '') {
    const hint = 'leave it out to copy the root file system of the host, or name a directory or a tar archive';
    throw new GangwayError('rootfs-not-found', '--rootfs is empty', { hint });
  }
  const path = resolve(text);
  const found = isAbsolute(path)
    ? ignoring(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP'], () => statSync(path))
    : undefined;
  if (found?.isDirectory()) return { kind: 'directory', path };
  if (found?.isFile()) return { kind: 'archive', path };
  const problem = found === undefined ? 'not found' : 'is neither a directory nor a file';
  throw new GangwayError('rootfs-not-found', `--rootfs ${text} ${problem}`, {
    hint: 'name a directory or a tar archive with a root file system, or leave --rootfs out to copy that of the host',
  });
}

function networkMode(options: CreateOptions): NetworkMode {
  return parseNetworkMode({
    networks: options.network,
    aliases: options['network-alias'],
    links: options.link,
    linkLocalIps: options['link-local-ip'],
    ...present({ ip: options.ip, ip6: options.ip6, macAddress: options['mac-address'] }),
  });
}
