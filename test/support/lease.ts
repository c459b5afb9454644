/** Who has a lease on a file: others who open it wait for him. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { ExecutionContext } from 'ava';

/**
 * For `perl -e`, with a file and `read` or `write`: against whom the lease is. It says when it has it, and gives it up to
 * nobody.
 */
export const leaseScript =
  '$SIG{IO} = "IGNORE"; $| = 1; my ($file, $access) = @ARGV; my $write = $access eq "write"; ' +
  // F_SETLEASE; F_RDLCK is 0 and keeps writers away, F_WRLCK is 1 and keeps away all.
  'open($f, $write ? "<" : "+<", $file) or die $!; fcntl($f, 1024, $write ? 0 : 1) or die $!; print "leased\\n"; sleep';

/** Keeps a file from others until the test has ended. */
export async function lease(t: ExecutionContext, path: string, access: 'read' | 'write'): Promise<void> {
  const child = spawn('perl', ['-e', leaseScript, path, access], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill());
  await once(child.stdout, 'data');
}
