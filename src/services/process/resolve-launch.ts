/**
 * From what was asked for to what will happen: every question that a request leaves open is answered here, before
 * anything is changed, and every mistake that can be seen beforehand is named here.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { requireProgram } from '../../kernel/run-program.ts';
import type { ContainerRequest, Volume } from '../../values/container.ts';
import { GangwayError, ignoring } from '../../values/errors.ts';
import type { Launch, Root } from '../../values/launch.ts';
import { isOfNetwork } from '../../values/sysctl-grammar.ts';
import { chooseCapabilities, readBoundingSet } from './capabilities.ts';
import { refuseOptionsBeyondNetwork } from './network-isolation.ts';
import { resolveLimits } from './resources.ts';
import { additionalMounts, isRootControlled } from './rootfs.ts';
import { type Accounts, homeDirectoryOf, readAccounts, readArchivedAccounts, resolveUser } from './user-lookup.ts';

/** What the engine has chosen for this container. */
export type LaunchContext = Pick<
  Launch,
  | 'id'
  | 'directory'
  | 'runtimeRoot'
  | 'logPath'
  | 'exitDirectory'
  | 'hostname'
  | 'foreground'
  | 'network'
  | 'userNamespace'
  | 'hidden'
  | 'cgroupPath'
  | 'exitCommand'
> & {
  /** Where an archive was or will be unpacked for this container, if the request names one. */
  readonly unpackedRoot?: string;
  /** Of the container whose stack it joins. */
  readonly identityDirectory?: string;
};

export interface ResolvedLaunch {
  readonly launch: Launch;
  readonly warnings: readonly string[];
}

const searchPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** Docker's choice for systemd hosts: many programs walk over all numbers up to the soft limit when they start. */
const openFiles = { soft: 1024, hard: 524_288 };

/**
 * Answers all questions by reading the machine; changes nothing.
 *
 * @throws GangwayError invalid-option, rootfs-not-found, conflicting-options, missing-program, not-supported
 */
export function resolveLaunch(request: ContainerRequest, place: LaunchContext): ResolvedLaunch {
  refuseConflicts(request);
  const { unpackedRoot, ...chosen } = place;
  const { root, leftOut } = chooseRoot(request, place);
  const accounts = accountsOf(root, request);
  const identity = resolveUser(request.user, accounts);
  const { limits, warnings } = resolveLimits(request.limits);
  for (const volume of request.volumes) requireSource(volume);
  const launch: Launch = {
    ...chosen,
    identityDirectory: place.identityDirectory ?? place.directory,
    isolation: request.isolation,
    command: request.command,
    environment: environment(request, place.hostname, homeDirectoryOf(identity.uid, accounts)),
    workingDirectory: request.workingDirectory ?? '/',
    identity,
    root,
    readOnly: request.readOnly,
    volumes: request.volumes,
    terminal: request.terminal,
    interactive: request.interactive,
    ...(request.init ? { init: requireProgram('catatonit') } : {}),
    capabilities: chooseCapabilities(request.capabilities, readBoundingSet(readFileSync('/proc/self/status', 'utf8'))),
    limits,
    sysctls: request.sysctls.filter((setting) => !isOfNetwork(setting)),
    openFiles: clamp(readFileSync('/proc/self/limits', 'utf8')),
  };
  return { launch, warnings: [...warnings, ...leftOut.map(tellLeftOut)] };
}

function tellLeftOut(point: string): string {
  const why = 'others than root can put something else in its place';
  return `the file system at ${point} stays out of the container: ${why}; -v ${point}:${point} brings in what is there`;
}

function refuseConflicts(request: ContainerRequest): void {
  if (request.isolation === 'network') refuseOptionsBeyondNetwork(request);
  const { kind } = request.network;
  if (request.userNamespace === 'private' && (kind === 'host' || kind === 'container')) {
    throw new GangwayError('conflicting-options', `--userns private can't be combined with --network ${kind}`, {
      hint: 'a user namespace has no rights over a network stack that it does not own',
    });
  }
}

interface Chosen {
  readonly root: Root;
  /** Mount points that whoever reads the machine's tree may miss, and that no volume covers. */
  readonly leftOut: readonly string[];
}

function chooseRoot(request: ContainerRequest, place: LaunchContext): Chosen {
  const { rootfs } = request;
  if (rootfs === undefined) {
    const further = additionalMounts(readFileSync('/proc/self/mountinfo', 'utf8'), place.hidden);
    const mounts = further.filter(isRootControlled);
    const isCovered = (point: string) => request.volumes.some(({ target }) => `${point}/`.startsWith(`${target}/`));
    const leftOut = request.isolation === 'network' ? [] : further.filter((point) => !mounts.includes(point));
    return { root: { kind: 'host', mounts }, leftOut: leftOut.filter((point) => !isCovered(point)) };
  }
  if (rootfs.kind === 'archive' && place.unpackedRoot !== undefined) {
    return { root: { kind: 'unpacked', path: place.unpackedRoot }, leftOut: [] };
  }
  const found = ignoring(['ENOENT', 'ENOTDIR'], () => statSync(rootfs.path));
  if (!found?.isDirectory()) {
    const what = found === undefined ? 'does not exist' : 'is not a directory';
    throw new GangwayError('rootfs-not-found', `root file system "${rootfs.path}" ${what}`);
  }
  return { root: { kind: 'directory', path: rootfs.path }, leftOut: [] };
}

/** With `run`, an archive is unpacked by the very change that is being prepared. */
function accountsOf(root: Root, { rootfs }: ContainerRequest): Accounts {
  if (root.kind === 'host') return readAccounts('/');
  if (rootfs?.kind === 'archive' && !existsSync(root.path)) return readArchivedAccounts(rootfs.path);
  return readAccounts(root.path);
}

function requireSource({ source }: Volume): void {
  if (ignoring(['ENOENT', 'ENOTDIR'], () => statSync(source)) === undefined) {
    throw new GangwayError('invalid-option', `--volume: source "${source}" does not exist`, {
      hint: `mkdir -p ${source}`,
    });
  }
}

/** Later ones win, and what was asked for comes last. */
function environment(request: ContainerRequest, hostname: string, home: string): string[] {
  const terminal = request.terminal ? ['TERM=xterm'] : [];
  const all = [searchPath, `HOSTNAME=${hostname}`, ...terminal, `HOME=${home}`, ...request.environment];
  return [...new Map(all.map((entry) => [entry.split('=', 1)[0], entry])).values()];
}

/** Our own hard limit is the most that can be given without CAP_SYS_RESOURCE. @param limits `/proc/self/limits` */
function clamp(limits: string): { soft: number; hard: number } {
  const ours = Number(/^Max open files\s+\d+\s+(\d+)/m.exec(limits)?.[1] ?? openFiles.hard);
  return { soft: Math.min(openFiles.soft, ours), hard: Math.min(openFiles.hard, ours) };
}
