/**
 * Who listens, without asking him: a connection would wake a service that systemd starts for it.
 *
 *     ss --unix --listening
 *
 * @see /proc/net/unix in unix(7): of the sockets of this network namespace
 */
import { readFileSync } from 'node:fs';

/** __SO_ACCEPTCON: it listens. */
const accepting = '00010000';

/** Does somebody listen at this path? The file alone does not say: of somebody who was killed it stays behind. */
export function isListening(path: string, table = readFileSync('/proc/net/unix', 'utf8')): boolean {
  return table.split('\n').some((line) => {
    const [, flags, found] = /^\S+ \S+ \S+ (\S+) \S+ \S+ +\d+ (.*)$/.exec(line) ?? [];
    return flags === accepting && found === path;
  });
}
