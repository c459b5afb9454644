import { spawnSync } from 'node:child_process';
import type { ExecutionContext } from 'ava';

/**
 * Skips the running test unless the kernel can do what it needs.
 *
 *     if (skipUnless(t, probe.vxlan)) return;
 *
 * ava can't skip a test that has begun, so the reason is left in its log, where `scripts/test` counts it.
 *
 * @param missing what the kernel lacks, in the probe's own sentence; nothing when it lacks nothing
 * @returns whether the test is to return at once
 */
export function skipUnless(t: ExecutionContext<unknown>, missing: string | undefined): boolean {
  if (missing === undefined) return false;
  t.log(`skipped: ${missing}`);
  t.pass();
  return true;
}

/** @returns for `skipUnless` */
export function lacksRoot(): string | undefined {
  return process.geteuid?.() === 0 ? undefined : 'needs root';
}

/** @param programs each with Debian's name of its package @returns which of them is not there, for `skipUnless` */
export function lacksProgram(programs: Readonly<Record<string, string>>): string | undefined {
  for (const [program, debian] of Object.entries(programs)) {
    const { error } = spawnSync(program, ['--help'], { stdio: 'ignore' });
    if (error !== undefined) return `${program} is not installed (Debian: ${debian})`;
  }
  return undefined;
}
