/** From the options of `run` and `create` to a request in which nothing can be wrong any more. */
import { statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { checkRequest } from '../engine/validate-request.ts';
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
import { parseExtraHost, parseNameServer, parseResolverOption, parseSearchDomain } from '../values/resolver-grammar.ts';
import { parseRestartPolicy } from '../values/restart.ts';
import { parseSysctl } from '../values/sysctl-grammar.ts';
import type { Given } from './grammar.ts';
import { introducedPorts } from './parse-ports.ts';
import type { createOptions } from './run-options.ts';

type Environment = Readonly<Record<string, string | undefined>>;
type Asked = Given<typeof createOptions>['options'];

/**
 * Reads the options of `run` and `create`.
 *
 * @param environment what `-e NAME` without a value takes its value from
 * @throws GangwayError that names the option and the remedy
 */
export function containerRequest(given: Given<typeof createOptions>, environment: Environment): ContainerRequest {
  const { options: asked, words: command } = given;
  return checkRequest({
    ...present({
      name: asked.name,
      rootfs: asked.rootfs === undefined ? undefined : rootfs(asked.rootfs),
      hostname: asked.hostname,
      user: asked.user,
      workingDirectory: asked.workdir,
      domainName: asked.domainname,
    }),
    command,
    isolation: oneOf('--isolation', asked.isolation ?? 'full', ['full', 'network']),
    readOnly: asked['read-only'],
    volumes: asked.volume.map(parseVolume),
    environment: environmentEntries(asked.env, environment),
    terminal: asked.tty,
    interactive: asked.interactive,
    init: asked.init,
    removeOnExit: asked.rm,
    restart: parseRestartPolicy(asked.restart ?? 'no'),
    limits: limits(asked),
    userNamespace: oneOf('--userns', asked.userns ?? 'host', ['host', 'private']),
    capabilities: { add: asked['cap-add'], drop: asked['cap-drop'] },
    network: networkMode(asked),
    extraHosts: asked['add-host'].map(parseExtraHost),
    resolver: {
      servers: asked.dns.map(parseNameServer),
      search: asked['dns-search'].map(parseSearchDomain),
      options: asked['dns-option'].map(parseResolverOption),
    },
    sysctls: asked.sysctl.map((text) => parseSysctl(text)),
    publish: asked.publish.map(parsePublish),
    publishAll: asked['publish-all'],
    expose: asked.expose.flatMap(parseExpose),
    ...introducedPorts(asked),
  });
}

/** `NAME=value`, and `NAME` alone with the caller's own value, where it has one. */
export function environmentEntries(entries: readonly string[], environment: Environment): readonly string[] {
  return entries.flatMap((entry) => {
    if (entry.includes('=') || entry === '') return [entry];
    const value = Object.hasOwn(environment, entry) ? environment[entry] : undefined;
    return value === undefined ? [] : [`${entry}=${value}`];
  });
}

function limits(asked: Asked): Limits {
  return present({
    cpuMillis: asked.cpus === undefined ? undefined : parseProcessors(asked.cpus, availableParallelism()),
    cpuShares: asked['cpu-shares'] === undefined ? undefined : parseShares(asked['cpu-shares']),
    memoryBytes: asked.memory === undefined ? undefined : parseMemory(asked.memory),
    pids: asked['pids-limit'] === undefined ? undefined : parseProcessLimit(asked['pids-limit']),
    deviceReadBytesPerSecond: rates(asked['device-read-bps'], '--device-read-bps'),
    deviceWriteBytesPerSecond: rates(asked['device-write-bps'], '--device-write-bps'),
    blockWeight: asked['blkio-weight'] === undefined ? undefined : parseBlockWeight(asked['blkio-weight']),
  });
}

function rates(texts: readonly string[], option: string) {
  return texts.length === 0 ? undefined : texts.map((text) => parseDeviceRate(text, option));
}

function rootfs(text: string): NonNullable<ContainerRequest['rootfs']> {
  if (text === '') {
    const hint = 'leave it out for a root of the container’s own, or name a directory or an archive';
    throw new GangwayError('rootfs-not-found', '--rootfs is empty', { hint });
  }
  const path = resolve(text);
  const found = isAbsolute(path)
    ? ignoring(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP'], () => statSync(path))
    : undefined;
  if (found?.isDirectory()) return { kind: 'directory', path };
  if (found?.isFile()) return { kind: 'archive', path };
  const complaint =
    found === undefined ? `--rootfs ${text} not found` : `--rootfs ${text} is neither directory nor file`;
  throw new GangwayError('rootfs-not-found', complaint, {
    hint: 'give a directory or a tar archive with a root file system, or leave --rootfs out to use this machine’s own',
  });
}

function networkMode(asked: Asked): NetworkMode {
  return parseNetworkMode({
    networks: asked.network,
    aliases: asked['network-alias'],
    links: asked.link,
    linkLocalIps: asked['link-local-ip'],
    ...present({ ip: asked.ip, ip6: asked.ip6, macAddress: asked['mac-address'] }),
  });
}
