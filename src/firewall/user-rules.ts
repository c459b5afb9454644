/**
 * Reads the user's own firewall rules, which run before gangway's.
 *
 *      /etc/gangway/user.nft      rules of chain GANGWAY-USER, one per line: `ip saddr 192.0.2.0/24 drop`
 *      /etc/gangway/user.rules    the same for iptables: `-4 -A GANGWAY-USER -s 192.0.2.0/24 -j DROP`
 *
 * A rule typed into the chain lasts as long as the chain; rules in the file survive a flush and a reboot. The next
 * command loads a changed file.
 */
import { readFileSync, statSync } from 'node:fs';
import { GangwayError, ignoring } from '../values/errors.ts';

const directory = '/etc/gangway';

export const userFiles = { nftables: `${directory}/user.nft`, iptables: `${directory}/user.rules` } as const;

/** Write permission for group and others. */
const writableByOthers = 0o022;

/**
 * The lines of the file, without comments and empty lines.
 *
 * @throws GangwayError invalid-option if other users than root may write to the file
 */
export function readUserRules(backend: keyof typeof userFiles): readonly string[] {
  const path = userFiles[backend];
  const found = ignoring(['ENOENT', 'ENOTDIR'], () => statSync(path));
  if (found === undefined) return [];
  if (found.uid !== 0 || (found.mode & writableByOthers) !== 0) {
    throw new GangwayError('invalid-option', `insecure permissions on ${path}: only root may write to it`, {
      hint: `chown root:root ${path}; chmod 644 ${path}`,
    });
  }
  return linesOf(readFileSync(path, 'utf8'));
}

/**
 * A comment begins at the start of a line or after a space, and not in quotes: `ticket#42` and `"see #42"` hold none.
 */
const quotedOrComment = /("(?:\\.|[^"\\])*"?)|(?<!\S)#.*/g;

export function withoutComment(line: string): string {
  return line.replace(quotedOrComment, (_, quoted = '') => quoted).trim();
}

export function linesOf(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => withoutComment(line) !== '');
}
