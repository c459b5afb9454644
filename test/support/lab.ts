/** Glue between ava and the lab. */
import type { ExecutionContext } from 'ava';
import { createLab, type Lab, type LabOptions } from '../../src/lab/lab.ts';
import { lacksRoot, skipUnless } from './skip.ts';

/**
 * Runs the body of a kernel test in a lab of its own, which is gone afterwards, whatever happens.
 *
 * Without root the test is skipped, and says so in its log.
 */
export async function withLab(
  t: ExecutionContext<unknown>,
  topology: LabOptions,
  body: (lab: Lab) => Promise<void>,
): Promise<void> {
  if (skipUnless(t, lacksRoot())) return;
  const lab = await createLab(topology);
  try {
    await body(lab);
  } finally {
    await lab.down();
  }
}
