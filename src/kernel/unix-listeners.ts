/**
 * Who listens, without asking him: a connection would wake a service that systemd starts for it.
 *
 * To be believed where a mistake costs nothing: the name of an abstract socket may have a newline, and behind it a line of
 * anybody's for any path.
 *
 *     ss --unix --listening
 *
 * @see /proc/net/unix in unix(7): of the sockets of this network namespace
 */
import { readFileSync } from 'node:fs';

/** __SO_ACCEPTCON: it listens. */
const accepting = '00010000';

/** Does somebody listen at this path? The file alone does not say: of somebody who was killed it stays behind. */
export function isListening(path: string, table = readTable()): boolean {
  return listeners(path, table).length > 0;
}

/** Is this the socket that listens at this path? @param inode of the socket, which its file does not share: `fstat` of a descriptor */
export function listensAt(path: string, inode: number, table = readTable()): boolean {
  return listeners(path, table).includes(inode);
}

const readTable = () => readFileSync('/proc/net/unix', 'utf8');

function listeners(path: string, table: string): readonly number[] {
  return table.split('\n').flatMap((line) => {
    const [, flags, inode, found] = /^\S+ \S+ \S+ (\S+) \S+ \S+ +(\d+) (.*)$/.exec(line) ?? [];
    return flags === accepting && found === path ? [Number(inode)] : [];
  });
}
