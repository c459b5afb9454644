/**
 * A user namespace that owns a network namespace.
 *
 *     inside            outside
 *     uid 0      =      uid 100000        root inside is nobody outside
 *     uid 65535  =      uid 165535
 *
 * Every other namespace belongs to the user namespace in which it was made, and only its root has rights over it: to
 * mount /sys, to write /proc/sys/net, to add addresses. So the user namespace comes first and the network namespace is
 * made inside it; the other way round, a container's root could not even set lo up.
 *
 * Both are made by one unshare(2) in a helper process, because a process with several threads, such as this one, may not
 * enter a new user namespace. Their files are pinned, the helper ends, and the namespaces live on without a process.
 *
 * @see user_namespaces(7), subuid(5)
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { bindMount, unmount } from '../sys/mount.ts';
import { GangwayError, ignoring } from '../values/errors.ts';
import type { SubordinateRange } from '../values/launch.ts';
import { quote } from '../values/quote.ts';
import { preparePin } from './namespace.ts';
import { requireProgram, systemPath } from './run-program.ts';

/** Where Debian's useradd begins to give ranges away, and how many ids a Unix system of the usual kind needs. */
const usualRange: SubordinateRange = { first: 100_000, length: 65_536 };

/** Beyond it some programs take ids for negative numbers. @see https://systemd.io/UIDS-GIDS */
const lastOfUsers = 0x7fff_ffff;

/** Below are the system's ids and people's own, UID_MAX and `nobody` included. @see login.defs(5) */
const firstSubordinate = 65_536;

/**
 * The ids that containers with a user namespace of their own get outside: what /etc/subuid and /etc/subgid both give to
 * `gangway`, else to root, else the first range from 100000 on that they give to nobody. Whoever had the same could
 * become its users (newuidmap(1)), and end every container's processes. A row may also lend somebody's own id, as
 * `root:1000:1` does for a shared home: a container's root would own his files.
 *
 * @param onWarning hears of rows that are gangway's or root's, and would be taken before, but can't be
 * @param subuid the text of /etc/subuid
 * @param subgid that of /etc/subgid
 * @throws GangwayError not-supported where there is no room
 */
export function subordinateRange(
  onWarning: (sentence: string) => void,
  subuid = readSubordinates('/etc/subuid'),
  subgid = readSubordinates('/etc/subgid'),
): SubordinateRange {
  const [users, groups] = [rowsOf(subuid), rowsOf(subgid)];
  const refused: string[] = [];
  const taken = (range: SubordinateRange): SubordinateRange => {
    const instead = `containers have ${range.first} to ${range.first + range.length - 1} for their own`;
    for (const sentence of refused) onWarning(`${sentence}: ${instead}`);
    return range;
  };
  for (const name of ['gangway', 'root']) {
    const rows = users.filter(({ owner }) => owner === name);
    const high = rows.filter(({ first }) => first >= firstSubordinate);
    const [longest] = high.filter((row) => isWithin(row, groups)).toSorted((a, b) => b.length - a.length);
    if (longest !== undefined) return taken({ first: longest.first, length: longest.length });
    if (rows.length > 0 && high.length === 0)
      refused.push(`/etc/subuid gives ${name} ids below ${firstSubordinate} alone, which are people’s`);
    else if (new RegExp(`^${name}:`, 'm').test(`${subuid}\n${subgid}`))
      refused.push(`/etc/subuid and /etc/subgid don’t give ${name} the same ids`);
  }
  let { first } = usualRange;
  for (const row of [...users, ...groups].toSorted((a, b) => a.first - b.first))
    if (row.first < first + usualRange.length && first < row.first + row.length) first = row.first + row.length;
  if (first + usualRange.length <= lastOfUsers) return taken({ ...usualRange, first });
  throw new GangwayError('not-supported', 'all subordinate ids are given to somebody', {
    hint: 'write a range for gangway into /etc/subuid and /etc/subgid: gangway:FIRST:65536',
  });
}

interface Row extends SubordinateRange {
  readonly owner: string;
}

function isWithin({ owner, first, length }: Row, rows: readonly Row[]): boolean {
  return rows.some((row) => row.owner === owner && row.first <= first && first + length <= row.first + row.length);
}

function rowsOf(text: string): readonly Row[] {
  return text.split('\n').flatMap((line) => {
    const [owner = '', first, length] = line.trim().split(':');
    return Number(first) > 0 && Number(length) > 0 ? [{ owner, first: Number(first), length: Number(length) }] : [];
  });
}

function readSubordinates(file: string): string {
  return ignoring('ENOENT', () => readFileSync(file, 'utf8')) ?? '';
}

/** What the helper does in its new namespaces: says that it is there, and waits until its input is closed. */
const helper = 'echo; read -r _ || :';

/**
 * Makes both namespaces and pins them to files. Neither file exists before; on an error what was made of them is removed.
 *
 * @throws GangwayError not-supported where the kernel gives no user namespaces, missing-program; KernelError of the mount
 */
export async function createOwnedNetworkNamespace(
  networkPin: string,
  userPin: string,
  range: SubordinateRange,
): Promise<void> {
  const made: string[] = [];
  try {
    preparePin(networkPin);
    made.push(networkPin);
    writeFileSync(userPin, '', { flag: 'wx', mode: 0o444 });
    made.push(userPin);
    await insideHelper((pid) => {
      for (const map of ['uid_map', 'gid_map'])
        writeFileSync(`/proc/${pid}/${map}`, `0 ${range.first} ${range.length}\n`);
      bindMount(`/proc/${pid}/ns/user`, userPin);
      bindMount(`/proc/${pid}/ns/net`, networkPin);
    });
  } catch (error) {
    for (const pin of made) removePin(pin);
    throw error;
  }
}

async function insideHelper(body: (pid: number) => void): Promise<void> {
  const child = spawn(requireProgram('unshare'), ['--user', '--net', 'sh', '-c', helper], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: systemPath },
  });
  const ended = once(child, 'close');
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint += text;
  });
  try {
    await Promise.race([once(child.stdout, 'data'), ended]);
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) {
      throw new GangwayError(
        'not-supported',
        `user namespaces can't be made here: ${complaint.trim() || `unshare was killed by ${child.signalCode}`}`,
        {
          hint: 'sysctl user.max_user_namespaces says how many this machine allows',
        },
      );
    }
    body(child.pid);
  } finally {
    child.stdin.end();
    await ended;
  }
}

/** Removes the pin of a user namespace. What is gone already is removed. */
export function deleteUserNamespacePin(pin: string): void {
  removePin(pin);
}

function removePin(pin: string): void {
  ignoring(['EINVAL', 'ENOENT'], () => unmount(pin));
  rmSync(pin, { force: true });
}

/** The commands that do the same. The words are harmless: names and paths of our own, and numbers. */
export function ownedNamespaceCommands(name: string, pin: string, range: SubordinateRange): string[] {
  const map = `0 ${range.first} ${range.length}`;
  return [
    'unshare --user --net sleep 60 >/dev/null 2>&1 & helper=$!',
    'until [ "$(readlink /proc/$helper/ns/net)" != "$(readlink /proc/$$/ns/net)" ]; do sleep 0.01; done',
    `echo ${map} >/proc/$helper/uid_map`,
    `echo ${map} >/proc/$helper/gid_map`,
    `mkdir -p ${quote(dirname(pin))}`,
    `touch ${quote(pin)}`,
    `mount --bind /proc/$helper/ns/user ${quote(pin)}`,
    `ip netns attach ${name} $helper`,
    'kill $helper',
  ];
}
