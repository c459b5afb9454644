/**
 * Takes snapshots of a lab as sorted lines of text: equal snapshots before and after a test prove that nothing is left.
 *
 * The data comes from the kernel, iproute2 and nft, not from gangway's own code, so that an error there can't hide
 * itself.
 */
import { type Dirent, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GangwayError, ignoring } from '../values/errors.ts';
import { listTree } from './cgroups.ts';
import type { RunningLab } from './lab-process.ts';
import { Place } from './namespace-runner.ts';
import { hostPlace } from './topology.ts';

/** Sorted lines such as `link host: gangway0`, `file /run/gangway/lock`, `process conmon`. */
export type Snapshot = readonly string[];

/**
 * Prints links, addresses, routes, rules, firewall and forwarding sysctls of a place, in titled parts. It runs few
 * programs, because tests take many snapshots. A link that disappears meanwhile has no sysctls.
 */
const networkScript = `
echo '== links'; printf 'link show\\naddress show\\n' | ip -o -batch -
echo '== routes'; printf 'route show table all\\nrule show\\n' | ip -4 -batch -
if [ -e /proc/net/if_inet6 ]; then printf 'route show table all\\nrule show\\n' | ip -6 -batch -; fi
echo '== nft'; if command -v nft >/dev/null; then nft -s list ruleset; fi
echo '== sysctl'; grep -sH . /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf/*/route_localnet \
  /proc/sys/net/ipv6/conf/*/forwarding || [ $? -eq 2 ]
`;

/** Takes a snapshot, which excludes the processes that take it. */
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
 * Lists additions (`+ …`) and removals (`- …`) between two snapshots.
 *
 *      t.deepEqual(difference(before, await lab.leftovers()), []);
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
  if (exitCode !== 0) throw new GangwayError('program-failed', `cannot take a snapshot of ${name}: ${stderr.trim()}`);
  return stdout
    .split(/^== /m)
    .flatMap((part) => {
      const [title = '', ...lines] = part.trimEnd().split('\n');
      return lines.flatMap((line) => formats[title]?.(line.trim()) ?? []);
    })
    .map((line) => line.replace(' ', ` ${name}: `).trimEnd());
}

/**
 * Formats the lines of each part. Local routes of link-local addresses appear a second later (after duplicate address
 * detection), so only the address is listed.
 */
const formats: Readonly<Record<string, (line: string) => string | undefined>> = {
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

/** Leaves out zombies, which PID 1 is about to reap. */
function processes(root: string): readonly string[] {
  return readdirSync(`${root}/proc`)
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => ignoring(['ENOENT', 'ESRCH'], () => readFileSync(`${root}/proc/${pid}/stat`, 'utf8')) ?? '')
    .map((stat) => /\((.*)\) [^ZX] /s.exec(stat)?.[1])
    .filter((name) => name !== undefined)
    .map((name) => `process ${name}`);
}

/** Mounts by path and type; their ids differ each time. */
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
