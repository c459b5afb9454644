/**
 * Who the command runs as: `--user` turned into numbers.
 *
 * Names belong to the container, not to the host: `--user www-data` means whatever the container's own /etc/passwd says.
 * The kernel and crun know numbers only, so that the files are read here, before the container exists. They are the
 * container's data: a symbolic link in them is followed inside the container's tree and never out of it.
 *
 * @see passwd(5), group(5)
 */
import { askProgram } from '../../kernel/run-program.ts';
import { readInside } from '../../sys/openat2-beneath.ts';
import { GangwayError, ignoring } from '../../values/errors.ts';
import type { Identity } from '../../values/launch.ts';

/** As of a tree (sys/openat2-beneath.ts): no file of users or groups is larger. */
const largestBytes = 16 << 20;

/** The two files, empty where the container has none. */
export interface Accounts {
  readonly passwd: string;
  readonly group: string;
}

/** Reads a tree's accounts: `/` for the host's own, `/proc/PID/root` for a running container's. */
export function readAccounts(root: string): Accounts {
  const read = (path: string) => ignoring(['ENOENT', 'ENOTDIR', 'ELOOP'], () => readInside(root, path)) ?? '';
  return { passwd: read('/etc/passwd'), group: read('/etc/group') };
}

/**
 * Reads the accounts of an archive that is yet to be unpacked.
 *
 * tar's status says nothing: of the two ways to write a name one is always missing, and a damaged archive is refused
 * when it is unpacked. A link in the place of a file counts as no file. But where tar does not come to its end, what is
 * missing may be the very entry that names the user's group.
 *
 * @throws GangwayError missing-program, program-failed
 */
export function readArchivedAccounts(archive: string): Accounts {
  const read = (path: string) => {
    const words = ['--extract', '--to-stdout', '--file', archive, `./${path}`, path];
    const { output, status, complaint } = askProgram('tar', words, largestBytes);
    if (status !== undefined) return output;
    throw new GangwayError(
      'program-failed',
      `${path} of root file system "${archive}" could not be read: ${complaint}`,
    );
  };
  return { passwd: read('etc/passwd'), group: read('etc/group') };
}

/**
 * `UID`, `UID:GID`, `name`, `name:group` or any mixture. A number needs no entry; a name does. Absent is root.
 *
 * A user given alone brings the main group and the additional groups of its entries; a group given by hand replaces them.
 *
 * @throws GangwayError invalid-option if a name has no entry
 */
export function resolveUser(user: string | undefined, accounts: Accounts): Identity {
  const [userText = '', groupText] = (user ?? '0').split(':', 2);
  const entry = find(accounts.passwd, userText, 2);
  const uid = entry === undefined ? number(userText) : number(entry[2] ?? '');
  if (uid === undefined) throw unknown('user', userText, '/etc/passwd');
  if (groupText !== undefined && groupText !== '') {
    const gid = number(find(accounts.group, groupText, 2)?.[2] ?? groupText);
    if (gid === undefined) throw unknown('group', groupText, '/etc/group');
    return { uid, gid, additionalGids: [] };
  }
  const gid = number(entry?.[3] ?? '') ?? 0;
  const additional = entry?.[0] === undefined ? [] : groupsOf(entry[0], accounts.group);
  return { uid, gid, additionalGids: additional.filter((id) => id !== gid) };
}

function groupsOf(name: string, file: string): readonly number[] {
  const gids: number[] = [];
  for (const [, , gid = '', members = ''] of entries(file)) {
    const id = `,${members},`.includes(`,${name},`) ? number(gid) : undefined;
    if (id !== undefined) gids.push(id);
  }
  return gids;
}

/** The home directory of a uid; `/` where it has none. */
export function homeDirectoryOf(uid: number, accounts: Accounts): string {
  return find(accounts.passwd, String(uid), 2)?.[5] || '/';
}

/** One after the other: who lives in the tree may have written millions of lines, or colons, which together take gigabytes. */
function* entries(file: string): Generator<readonly string[]> {
  for (const [line] of file.matchAll(/[^\n]+/g)) yield line.split(':', 7);
}

/** A name wins over a number, in case that somebody is called 1000. */
function find(file: string, key: string, column: number): readonly string[] | undefined {
  let numbered: readonly string[] | undefined;
  for (const row of entries(file)) {
    if (row[0] === key) return row;
    if (row[column] === key) numbered ??= row;
  }
  return numbered;
}

function number(text: string): number | undefined {
  return /^\d{1,10}$/.test(text) && Number(text) < 2 ** 31 ? Number(text) : undefined;
}

function unknown(kind: string, name: string, file: string): GangwayError {
  return new GangwayError(
    'invalid-option',
    `--user: unable to find ${kind} ${name}: no matching entry in the container's ${file}`,
  );
}
