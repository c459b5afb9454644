/**
 * Programs of the system that gangway starts: nft for a whole ruleset, tar for a root file system, crun and conmon for
 * containers.
 *
 * They are looked for where a system keeps them and nowhere else. The caller's PATH may begin with a directory of other
 * things: npm puts one there in which `nft` is a JavaScript tool that says nothing and succeeds.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { GangwayError, ignoring } from '../values/errors.ts';

/** The search path for programs of the system. */
export const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Which Debian package has it. */
const packages = {
  catatonit: 'catatonit',
  conmon: 'conmon',
  crun: 'crun',
  iptables: 'iptables',
  'iptables-legacy-restore': 'iptables',
  'iptables-legacy-save': 'iptables',
  'iptables-nft-restore': 'iptables',
  'iptables-nft-save': 'iptables',
  'ip6tables-legacy-restore': 'iptables',
  'ip6tables-legacy-save': 'iptables',
  'ip6tables-nft-restore': 'iptables',
  'ip6tables-nft-save': 'iptables',
  nft: 'nftables',
  nsenter: 'util-linux',
  setpriv: 'util-linux',
  systemctl: 'systemd',
  'systemd-run': 'systemd',
  tar: 'tar',
  unshare: 'util-linux',
} as const;

export type Program = keyof typeof packages;

/** The absolute path of a program, where it is installed. */
export function findProgram(program: Program, path: string = systemPath): string | undefined {
  for (const directory of path.split(':')) {
    const file = `${directory}/${program}`;
    const found = ignoring(['ENOENT', 'EACCES', 'ENOTDIR'], () => {
      accessSync(file, constants.X_OK);
      return true;
    });
    if (found) return file;
  }
}

/**
 * The absolute path of a program.
 *
 * @throws GangwayError missing-program, with the command that installs it
 */
export function requireProgram(program: Program, path: string = systemPath): string {
  const found = findProgram(program, path);
  if (found !== undefined) return found;
  throw new GangwayError('missing-program', `${program} is not installed`, {
    hint: `apt-get install ${packages[program]}`,
  });
}

export interface ProgramResult {
  readonly failed: boolean;
  /** What it wrote to its standard error; of a failure without words, how it ended. */
  readonly complaint: string;
}

/** Who asks for a signal of our death after it gets none, and has another parent. This takes half a millisecond. */
const unlessWeDied = '[ "$PPID" = "$0" ] || exit; exec "$@"';

/**
 * Runs a program to its end, with its parameters as they are and `input` as its standard input.
 *
 * It dies with us: when we are killed, the next gangway takes back what it had begun, and it must have stopped by then.
 *
 * @throws GangwayError missing-program
 */
export async function runProgram(name: Program, parameters: readonly string[], input = ''): Promise<ProgramResult> {
  requireProgram(name);
  const { execa } = await import('execa');
  const options = { input, reject: false, env: { PATH: systemPath }, extendEnv: true };
  const words = ['--pdeathsig', 'KILL', '--', 'sh', '-c', unlessWeDied, String(process.pid), name, ...parameters];
  const result = await execa(requireProgram('setpriv'), words, options);
  return { failed: result.failed, complaint: result.stderr.trim() || howItEnded(result) };
}

export interface ProgramOutput extends ProgramResult {
  readonly output: string;
  /** Its exit status; absent where it was killed, or could not be started. */
  readonly status?: number;
}

/**
 * Runs a program that changes nothing, for what it says. Of too much of it nothing is lost in silence: the program has failed then.
 *
 * @param mostBytes by default much more than any program says of this machine
 * @throws GangwayError missing-program
 */
export function askProgram(name: Program, parameters: readonly string[], mostBytes = 2 ** 28): ProgramOutput {
  const options = { encoding: 'utf8', env: { PATH: systemPath }, maxBuffer: mostBytes } as const;
  const { stdout, stderr, status, signal, error } = spawnSync(requireProgram(name), parameters, options);
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  const ended = status === null ? {} : { status };
  return {
    failed: status !== 0,
    output: stdout ?? '',
    complaint:
      code === 'ENOBUFS'
        ? `it says more than ${mostBytes} bytes`
        : stderr?.trim() || howItEnded({ exitCode: status ?? undefined, signal: signal ?? undefined, code }),
    ...ended,
  };
}

/** What to do about a refusal of the kernel's that has nothing to do with what it was asked, in the words of strerror(3). */
export function passingHint(complaint: string): string | undefined {
  if (/resource busy|temporarily unavailable/i.test(complaint))
    return 'another program changes the firewall at this moment: try again';
  if (/no buffer space|cannot allocate memory|too long/i.test(complaint))
    return 'the kernel has no memory for it: publish ranges rather than single ports, or raise net.core.wmem_max';
  if (/not permitted|permission denied/i.test(complaint))
    return 'run it on the machine itself, or give whatever it runs in CAP_NET_ADMIN';
}

interface Ended {
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
  /** Why it could not be started: `EAGAIN`. */
  readonly code?: string | undefined;
}

function howItEnded({ exitCode, signal, code }: Ended): string {
  if (signal !== undefined) return `it was killed by ${signal}`;
  return exitCode === undefined ? `it could not be started: ${code}` : `it ended with ${exitCode}`;
}
