/** Waits for conditions instead of sleeping. */
import { setTimeout as delay } from 'node:timers/promises';
import { GangwayError } from '../values/errors.ts';

export interface WaitOptions {
  /** Default 15,000. */
  readonly timeoutMilliseconds?: number;
}

/**
 * Polls until the condition holds.
 *
 * @param what the condition in words, for the error: `"curl answers in world"`
 * @throws GangwayError program-failed after the timeout
 */
export async function waitFor(
  what: string,
  condition: () => boolean | Promise<boolean>,
  options: WaitOptions = {},
): Promise<void> {
  const timeoutMilliseconds = options.timeoutMilliseconds ?? 15_000;
  const deadline = performance.now() + timeoutMilliseconds;
  for (let late = false; !(await condition()); late = performance.now() > deadline) {
    // The condition is always checked once after the timeout.
    if (late) throw new GangwayError('program-failed', `timeout after ${timeoutMilliseconds} ms: ${what}`);
    await delay(5);
  }
}
