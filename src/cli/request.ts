/** From the options of `run` and `create` to a request in which nothing can be wrong any more. */
import { statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { normalize, resolve } from 'node:path';
import { parseCapability } from '../services/process/capabilities.ts';
import type { ContainerRequest, Limits, Volume } from '../values/container.ts';
import { GangwayError, ignoring } from '../values/errors.ts';
import {
  parseContainerName,
  parseEnvironmentEntry,
  parseHostname,
  parseNetworkName,
  parseUser,
} from '../values/names.ts';
import { parseExpose, parsePublish, refuseOverlaps } from '../values/port-grammar.ts';
import {
  parseBlockWeight,
  parseDeviceRate,
  parseMemory,
  parseProcessLimit,
  parseProcessors,
  parseShares,
} from '../values/quantity.ts';
import { parseRestartPolicy } from '../values/restart.ts';
import type { Given } from './grammar.ts';
import { present } from './present.ts';
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
  const publish = asked.publish.map(parsePublish);
  refuseOverlaps(publish);
  const restart = parseRestartPolicy(asked.restart ?? 'no');
  if (asked.rm && restart.kind !== 'no') {
    throw new GangwayError('conflicting-options', '--rm and --restart exclude each other', {
      hint: 'a removed container cannot be restarted',
    });
  }
  return {
    ...present({
      name: asked.name === undefined ? undefined : parseContainerName(asked.name),
      rootfs: asked.rootfs === undefined ? undefined : rootfs(asked.rootfs),
      hostname: asked.hostname === undefined ? undefined : parseHostname(asked.hostname),
      user: asked.user === undefined ? undefined : parseUser(asked.user),
      workingDirectory: asked.workdir === undefined ? undefined : workingDirectory(asked.workdir),
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
    restart,
    limits: limits(asked),
    userNamespace: oneOf('--userns', asked.userns ?? 'host', ['host', 'private']),
    capabilities: {
      add: asked['cap-add'].map((name) => parseCapability(name, '--cap-add')),
      drop: asked['cap-drop'].map((name) => parseCapability(name, '--cap-drop')),
    },
    network: network(asked.network),
    publish,
    publishAll: asked['publish-all'],
    expose: asked.expose.flatMap(parseExpose),
  };
}

/** `NAME=value`, and `NAME` alone with the caller's own value, where it has one. @throws GangwayError invalid-option */
export function environmentEntries(entries: readonly string[], environment: Environment): readonly string[] {
  return entries.flatMap((entry) => {
    if (entry.includes('=') || entry === '') return [parseEnvironmentEntry(entry)];
    const value = environment[entry];
    return value === undefined ? [] : [parseEnvironmentEntry(`${entry}=${value}`)];
  });
}

/** A directory inside the container. @throws GangwayError invalid-option */
export function workingDirectory(path: string): string {
  if (path.startsWith('/') && !path.includes('\0')) return path;
  throw new GangwayError('invalid-option', `--workdir ${JSON.stringify(path)} is no absolute path`, {
    hint: 'begin it with a slash',
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
  const path = resolve(text);
  const found = ignoring(['ENOENT', 'ENOTDIR'], () => statSync(path));
  if (found?.isDirectory()) return { kind: 'directory', path };
  if (found?.isFile()) return { kind: 'archive', path };
  const complaint =
    found === undefined ? `--rootfs ${text} not found` : `--rootfs ${text} is neither directory nor file`;
  throw new GangwayError('rootfs-not-found', complaint, {
    hint: 'give a directory or a tar archive with a root file system, or leave --rootfs out to use this machine’s own',
  });
}

function parseVolume(text: string): Volume {
  const [source = '', written = '', mode = 'rw', ...more] = text.split(':');
  // What `..` means inside is known here already; a mount over the whole tree is refused in every spelling.
  const target = written === '' ? '' : normalize(written).replace(/(.)\/$/, '$1');
  const absolute = [source, target].every((path) => path.startsWith('/') && !path.includes('\0'));
  if (absolute && target !== '/' && (mode === 'rw' || mode === 'ro') && more.length === 0) {
    return { source, target, readOnly: mode === 'ro' };
  }
  throw new GangwayError('invalid-option', `invalid volume ${JSON.stringify(text)}`, {
    hint: 'write /on/the/host:/in/the/container, with :ro behind it to forbid writing',
  });
}

function network(names: readonly string[]): string {
  const [name = 'bridge', ...more] = names;
  if (more.length > 0) {
    throw new GangwayError('not-supported', 'a container can join one network only', { hint: 'give --network once' });
  }
  if (name.startsWith('container:')) {
    throw new GangwayError('not-supported', '--network container:NAME is not there yet', {
      hint: 'this version has none, host and bridge',
    });
  }
  return name === 'default' ? 'bridge' : parseNetworkName(name);
}

function oneOf<T extends string>(option: string, text: string, choices: readonly T[]): T {
  const choice = choices.find((candidate) => candidate === text);
  if (choice !== undefined) return choice;
  throw new GangwayError('invalid-option', `${option} ${JSON.stringify(text)} is unknown`, {
    hint: `use ${choices.join(' or ')}`,
  });
}
