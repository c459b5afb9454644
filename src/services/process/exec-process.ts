/**
 * What a further command in a container looks like: pure functions from the container's own process to the new one.
 *
 * @see https://github.com/opencontainers/runtime-spec/blob/main/config.md#process
 */
import type { ExecRequest } from '../../values/exec.ts';
import type { Launch } from '../../values/launch.ts';
import { type Accounts, homeDirectoryOf, resolveUser } from './user-lookup.ts';

/** The section `process` of a bundle's config.json, as far as it matters here. */
export interface OciProcess {
  readonly terminal?: boolean;
  readonly user: { readonly uid: number; readonly gid: number; readonly additionalGids?: readonly number[] };
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly capabilities?: Readonly<Record<string, readonly string[]>>;
}

/** What has to be known of the container and of this machine. */
export interface ExecContext {
  readonly accounts: Accounts;
  /** All that this process may pass on, with `CAP_`. */
  readonly allCapabilities: readonly string[];
}

/**
 * The container's process with another command: the same limits, capabilities and environment unless asked otherwise.
 *
 * @throws GangwayError invalid-option for a user that the container does not know
 */
export function execProcess(own: OciProcess, request: ExecRequest, place: ExecContext): OciProcess {
  const { accounts, allCapabilities } = place;
  const user = request.user === undefined ? own.user : resolveUser(request.user, accounts);
  const home = request.user === undefined ? [] : [`HOME=${homeDirectoryOf(user.uid, accounts)}`];
  const terminal = request.terminal && !request.detached;
  return {
    ...own,
    terminal,
    user,
    args: request.command,
    env: mergeEnvironment(own.env, terminal ? ['TERM=xterm'] : [], home, request.environment),
    cwd: request.workingDirectory ?? own.cwd,
    capabilities: request.privileged
      ? granted(allCapabilities, true)
      : granted(own.capabilities?.bounding ?? [], user.uid === 0),
  };
}

/** A user other than root has no capabilities of its own; what it may reach through a set-uid program stays bounded. */
function granted(bounding: readonly string[], effective: boolean): Readonly<Record<string, readonly string[]>> {
  const own = effective ? bounding : [];
  return { bounding, permitted: own, effective: own, inheritable: [], ambient: [] };
}

/** Later entries win, and stand where the first of their name stood. */
export function mergeEnvironment(...lists: readonly (readonly string[])[]): string[] {
  const entries = new Map<string, string>();
  for (const entry of lists.flat()) entries.set(entry.split('=', 1)[0] ?? '', entry);
  return [...entries.values()];
}

/**
 * nsenter's parameters for a container that has a network of its own and nothing else.
 *
 *     nsenter --target PID --net --mount --wdns=DIRECTORY -- setpriv --reuid UID --regid GID --clear-groups COMMAND
 */
export function nsenterArguments(
  pid: number,
  own: Pick<Launch, 'identity' | 'workingDirectory'>,
  request: ExecRequest,
  accounts: Accounts,
): string[] {
  const enter = ['--target', String(pid), '--net', '--mount', `--wdns=${workingDirectoryOf(own, request)}`, '--'];
  const { uid, gid, additionalGids } = request.user === undefined ? own.identity : resolveUser(request.user, accounts);
  if (request.user === undefined && uid === 0 && gid === 0) return [...enter, ...request.command];
  const groups = additionalGids.length === 0 ? '--clear-groups' : `--groups=${additionalGids.join(',')}`;
  return [...enter, 'setpriv', '--reuid', String(uid), '--regid', String(gid), groups, '--', ...request.command];
}

/** Where the command starts: as the container, unless asked otherwise. */
export function workingDirectoryOf(own: Pick<Launch, 'workingDirectory'>, request: ExecRequest): string {
  return request.workingDirectory ?? own.workingDirectory;
}
