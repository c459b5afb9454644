/** A further command in a container, as a person would type it. Where the terminal is ours, so it is the script's. */
import type { ProcessIdentity } from '../../kernel/process.ts';
import type { ExecRequest } from '../../values/exec.ts';
import type { Launch } from '../../values/launch.ts';
import { quote } from '../../values/quote.ts';
import { execEnvironment, execProcessOf } from './exec.ts';
import { nsenterArguments } from './exec-process.ts';
import { renderJson } from './script.ts';
import { readAccounts } from './user-lookup.ts';

/** @throws GangwayError invalid-option for an unknown user */
export function execCommands(launch: Launch, { pid }: ProcessIdentity, request: ExecRequest): string[] {
  const accounts = readAccounts(`/proc/${pid}/root`);
  const detached = request.detached ? ' </dev/null >/dev/null 2>&1 &' : '';
  if (launch.isolation === 'network') {
    const entries = Object.entries(execEnvironment(launch, request)).map(([name, value]) => `${name}=${value}`);
    const words = ['env', '-i', ...entries, 'nsenter', ...nsenterArguments(pid, launch, request, accounts)];
    return [`${words.map(quote).join(' ')}${detached}`];
  }
  const detach = request.detached ? ['--detach'] : [];
  const crun = ['crun', `--root=${launch.runtimeRoot}`, 'exec', ...detach, '--process', '/dev/fd/3', launch.id];
  return [...withStreams(crun, request), renderJson(execProcessOf(launch, request, accounts)), 'END'];
}

/** Those that are nobody's: crun gives what it finds to the command's user, a file and the machine's /dev/null, too. */
function withStreams(crun: readonly string[], { detached, interactive, terminal }: ExecRequest): string[] {
  const line = crun.map(quote).join(' ');
  if (detached) {
    const sealed = 'mount --bind -o ro /dev/null /dev/null && exec "$@" </dev/null >/dev/null 2>&1';
    return ['# a /dev/null that nobody can take', `unshare --mount sh -c ${quote(sealed)} sh ${line} 3<<'END'`];
  }
  if (terminal) return [`${line} 3<<'END'`];
  return [
    '# what is no terminal becomes the property of the command’s user: behind `| cat` a file stays yours',
    `${interactive ? '' : ': | '}${line} 3<<'END'`,
  ];
}
