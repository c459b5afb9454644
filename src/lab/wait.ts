/** Waiting for conditions, which is what the lab and its tests do instead of sleeping. */
import { setTimeout as delay } from 'node:timers/promises';
import { GangwayError } from '../values/errors.ts';

export interface WaitOptions {
  /** Default 15,000: a busy machine takes its time. */
  readonly timeoutMilliseconds?: number;
}

/**
 * Asks again and again until the answer is yes.
 *
 * @param what the condition in words, for the error: `"curl answers in world"`
 * @throws GangwayError program-failed when the time is up
 */
export async function waitFor(
  what: string,
  condition: () => boolean | Promise<boolean>,
  options: WaitOptions = {},
): Promise<void> {
  const timeoutMilliseconds = options.timeoutMilliseconds ?? 15_000;
  const deadline = performance.now() + timeoutMilliseconds;
  for (let late = false; !(await condition()); late = performance.now() > deadline) {
    // A look may take longer than the time there was: the last one begins when it is up.
    if (late) throw new GangwayError('program-failed', `waited ${timeoutMilliseconds} ms in vain until ${what}`);
    await delay(5);
  }
}
