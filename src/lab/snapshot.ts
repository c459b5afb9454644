/**
 * What lives in a lab, as sorted lines of text: taken before and after, the two must be equal if nothing is left.
 *
 * Everything is asked from the kernel's own tables and from iproute2 and nft, never from gangway's own code: a witness
 * that shares the code of the accused is none.
 */
import { type Dirent, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GangwayError, ignoring } from '../values/errors.ts';
import { listTree } from './cgroups.ts';
import type { RunningLab } from './lab-process.ts';
import { Place } from './namespace-runner.ts';
import { hostPlace } from './topology.ts';

/** Lines such as `link host: gangway0`, `file /run/gangway/lock`, `process conmon`; one per thing, sorted. */
export type Snapshot = readonly string[];

/**
 * What one place has: its links, addresses, routes, policy rules, firewall and the switches of a router, each part under its
 * title. As few programs as can be: a test looks some dozen times. A link that goes while its switches are read has none.
 */
const networkScript = `
echo '== links'; printf 'link show\\naddress show\\n' | ip -o -batch -
echo '== routes'; printf 'route show table all\\nrule show\\n' | ip -4 -batch -
if [ -e /proc/net/if_inet6 ]; then printf 'route show table all\\nrule show\\n' | ip -6 -batch -; fi
echo '== nft'; if command -v nft >/dev/null; then nft -s list ruleset; fi
echo '== sysctl'; grep -sH . /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf/*/route_localnet \
  /proc/sys/net/ipv6/conf/*/forwarding || [ $? -eq 2 ]
`;

/** Takes the snapshot of a lab. What the taking itself needs is not in it. */
export async function snapshot(machine: RunningLab): Promise<Snapshot> {
  const root = `/proc/${machine.init.pid}/root`;
  const things = [
    ...processes(root),
    ...mounts(machine.init.pid),
    ...machine.cgroups.flatMap(listTree).map((directory) => `cgroup ${directory}`),
    ...['/run', '/var/lib/gangway', '/etc/gangway'].flatMap((directory) => files(root, directory)),
  ];
  for (const name of [hostPlace, ...machine.outside]) things.push(...(await network(machine, name)));
  return things.sort();
}

/**
 * What came (`+ …`) and what went (`- …`) between two snapshots. Things of the same name are counted.
 *
 *     t.deepEqual(difference(before, await lab.leftovers()), []);
 */
export function difference(before: Snapshot, after: Snapshot): readonly string[] {
  const count = new Map<string, number>();
  for (const thing of before) count.set(thing, (count.get(thing) ?? 0) - 1);
  for (const thing of after) count.set(thing, (count.get(thing) ?? 0) + 1);
  return [...count].flatMap(([thing, balance]) =>
    Array.from({ length: Math.abs(balance) }, () => `${balance < 0 ? '-' : '+'} ${thing}`),
  );
}

async function network(machine: RunningLab, name: string): Promise<readonly string[]> {
  const { exitCode, stdout, stderr } = await new Place(machine, name).exec(['sh', '-euc', networkScript]);
  if (exitCode !== 0) throw new GangwayError('program-failed', `can't look into ${name}: ${stderr.trim()}`);
  return stdout
    .split(/^== /m)
    .flatMap((part) => {
      const [title = '', ...lines] = part.trimEnd().split('\n');
      return lines.flatMap((line) => told[title]?.(line.trim()) ?? []);
    })
    .map((line) => line.replace(' ', ` ${name}: `).trimEnd());
}

/**
 * A line of each part as it stands in the snapshot. A link-local address has routes in the table local as soon as nobody else was
 * found to have it, a second later: the address alone is told.
 */
const told: Readonly<Record<string, (line: string) => string | undefined>> = {
  links: (line) => {
    const [, name = '', family = '', address] = line.split(/\s+/);
    return family.startsWith('inet') ? `address ${name} ${address}` : `link ${name.replace(/[@:].*/, '')}`;
  },
  routes: (line) => {
    if (/^\d+:\t/.test(line)) return `rule ${line}`;
    return /^(local|anycast) fe80:/.test(line) ? undefined : `route ${line}`;
  },
  nft: (line) => `nft ${line}`,
  sysctl: (line) => `sysctl ${line}`,
};

/** Zombies are left out: the lab's first process is about to bury them. */
function processes(root: string): readonly string[] {
  return readdirSync(`${root}/proc`)
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => ignoring(['ENOENT', 'ESRCH'], () => readFileSync(`${root}/proc/${pid}/stat`, 'utf8')) ?? '')
    .map((stat) => /\((.*)\) [^ZX] /s.exec(stat)?.[1])
    .filter((name) => name !== undefined)
    .map((name) => `process ${name}`);
}

/** Mounts by place, type and root; their numbers differ each time. */
function mounts(pid: number): readonly string[] {
  return readFileSync(`/proc/${pid}/mountinfo`, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [left = '', right = ''] = line.split(' - ');
      return `mount ${left.split(' ')[4]} (${right.split(' ')[0]})`;
    });
}

function files(root: string, directory: string): readonly string[] {
  const entries: Dirent[] =
    ignoring(['ENOENT', 'ENOTDIR'], () => readdirSync(join(root, directory), { withFileTypes: true })) ?? [];
  return entries.flatMap((entry) => {
    const path = join(directory, entry.name);
    return [`file ${path}`, ...(entry.isDirectory() ? files(root, path) : [])];
  });
}
