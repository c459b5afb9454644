/** Does the kernel still have the tables of iptables-legacy? */
import { spawnSync } from 'node:child_process';

/** @returns what it lacks, in the program's own words */
export function lacksLegacyIptables(): string | undefined {
  const program = ['unshare', '--net', 'iptables-legacy', '-t', 'nat', '-S'] as const;
  const { status, stderr, error } = spawnSync(program[0], program.slice(1), { encoding: 'utf8' });
  return status === 0 ? undefined : (error?.message ?? stderr).trim().split('\n')[0];
}
