/**
 * Processes that stay when the service or the session that started them ends.
 *
 * systemd ends a service with all processes of its control group, however they have forked away. What is to stay there
 * needs a group of its own, and systemd is the one who makes it: a scope. It is gone with its last process.
 *
 *     systemd-run --scope COMMAND
 *
 * @see systemd.scope(5)
 */
import { existsSync } from 'node:fs';
import { requireProgram } from './run-program.ts';
import { bootedPath } from './sd-notify.ts';

/** How long a container that is deaf to SIGTERM holds up the machine's shutdown. */
const graceSeconds = 10;

/** The words that run a command outside of our service or session. Without systemd there is neither. */
export function outliving(words: readonly string[], description: string, booted = bootedPath): string[] {
  if (!existsSync(booted)) return [...words];
  const properties = [`--description=${description}`, `--property=TimeoutStopSec=${graceSeconds}`];
  return [requireProgram('systemd-run'), '--scope', '--quiet', '--collect', ...properties, '--', ...words];
}
