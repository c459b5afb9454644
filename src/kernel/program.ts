/**
 * Programs of the system that gangway starts: nft for a whole ruleset, tar for a root file system.
 *
 * They are looked for where a system keeps them and nowhere else. The caller's PATH may begin with a directory of other
 * things: npm puts one there in which `nft` is a JavaScript tool that says nothing and succeeds.
 */
import { GangwayError } from '../values/errors.ts';

/** The search path for programs of the system. */
export const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Which Debian package has it. */
const packages = { nft: 'nftables', tar: 'tar' } as const;

export interface ProgramResult {
  readonly failed: boolean;
  /** What it wrote to its standard error. */
  readonly complaint: string;
}

/** setpriv's status where there is no such program. */
const notFound = 127;

/**
 * Runs a program to its end, with its parameters as they are and `input` as its standard input.
 *
 * It dies with us: when we are killed, the next gangway takes back what it had begun, and it must have stopped by then.
 *
 * @throws GangwayError missing-program
 */
export async function runProgram(
  name: keyof typeof packages,
  parameters: readonly string[],
  input = '',
): Promise<ProgramResult> {
  const { execa } = await import('execa');
  const options = { input, reject: false, env: { PATH: systemPath }, extendEnv: true };
  const result = await execa('setpriv', ['--pdeathsig', 'KILL', '--', name, ...parameters], options);
  if (result.exitCode === notFound) {
    throw new GangwayError('missing-program', `${name} is not installed`, {
      hint: `apt-get install ${packages[name]}`,
    });
  }
  return { failed: result.failed, complaint: result.stderr.trim() };
}
