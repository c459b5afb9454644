/**
 * Rules of the machine's owner, which come before ours whenever ours are loaded.
 *
 *     /etc/gangway/user.nft      the rules of chain GANGWAY-USER, a line each: `ip saddr 192.0.2.0/24 drop`
 *     /etc/gangway/user.rules    the same for iptables: `-4 -A GANGWAY-USER -s 192.0.2.0/24 -j DROP`
 *
 * What is typed into the chain lasts as long as the chain does; what stands in the file is there again after a flush, and
 * after a boot. A change of the file is loaded by the next command.
 */
import { readFileSync, statSync } from 'node:fs';
import { GangwayError, ignoring } from '../values/errors.ts';

const directory = '/etc/gangway';

export const userFiles = { nftables: `${directory}/user.nft`, iptables: `${directory}/user.rules` } as const;

/** Everybody who may write to the file. */
const strangers = 0o022;

/**
 * The lines of the file that are more than a comment.
 *
 * @throws GangwayError invalid-option for one that others than root may write to
 */
export function readUserRules(backend: keyof typeof userFiles): readonly string[] {
  const path = userFiles[backend];
  const found = ignoring(['ENOENT', 'ENOTDIR'], () => statSync(path));
  if (found === undefined) return [];
  if (found.uid !== 0 || (found.mode & strangers) !== 0) {
    throw new GangwayError('invalid-option', `${path} is not loaded: others than root may write to it`, {
      hint: `chown root:root ${path}; chmod 644 ${path}`,
    });
  }
  return linesOf(readFileSync(path, 'utf8'));
}

/** A comment begins with the line or behind a blank, and not within quotes: neither `ticket#42` nor `"see #42"` holds one. */
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
