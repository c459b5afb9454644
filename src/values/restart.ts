/** `--restart`: what happens after a container has ended by itself. */
import type { RestartPolicy } from './container.ts';
import { GangwayError } from './errors.ts';

/**
 * Reads `no`, `always`, `unless-stopped`, `on-failure` or `on-failure:N`.
 *
 * @throws GangwayError invalid-option
 */
export function parseRestartPolicy(text: string): RestartPolicy {
  if (text === '') return { kind: 'no' };
  if (text === 'no' || text === 'always' || text === 'unless-stopped') return { kind: text };
  const [, retries] = /^on-failure(?::(\d{1,6}))?$/.exec(text) ?? invalid(text);
  const maximumRetries = Number(retries ?? 0);
  // None and no limit are the same in Docker, whose inspect says 0 for either.
  return maximumRetries === 0 ? { kind: 'on-failure' } : { kind: 'on-failure', maximumRetries };
}

/** The text that `parseRestartPolicy` reads as this policy. */
export function formatRestartPolicy(policy: RestartPolicy): string {
  const limited = policy.kind === 'on-failure' && policy.maximumRetries !== undefined;
  return limited ? `on-failure:${policy.maximumRetries}` : policy.kind;
}

function invalid(text: string): never {
  throw new GangwayError('invalid-option', `invalid restart policy ${JSON.stringify(text)}`, {
    hint: 'use no, on-failure, on-failure:N, always or unless-stopped',
  });
}
