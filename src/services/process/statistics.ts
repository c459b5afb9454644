/**
 * What a container uses: `gangway stats`.
 *
 * Most of it the kernel counts per control group. The network it counts per interface, and the container's interfaces
 * are seen by looking through the eyes of one of its processes: /proc/PID/net/dev.
 *
 * @see cgroups(7), proc_pid_net(5)
 */
import { readFileSync } from 'node:fs';
import { type CgroupLayout, controllerDirectory } from '../../kernel/cgroup.ts';
import { type CgroupCounters, readCounters } from '../../kernel/cgroup-counters.ts';
import { ignoring } from '../../values/errors.ts';

/** Counters count from the container's start. */
export interface Usage {
  readonly time: Date;
  readonly cpuNanoseconds: bigint;
  readonly throttledPeriods: number;
  readonly throttledNanoseconds: bigint;
  /** Without the file cache that the kernel can drop at once, as docker counts it. */
  readonly memoryBytes: number;
  readonly memoryLimitBytes: number | undefined;
  readonly outOfMemoryKills: number;
  readonly pids: number;
  readonly pidsLimit: number | undefined;
  readonly blockReadBytes: bigint;
  readonly blockWriteBytes: bigint;
  readonly receivedBytes: bigint;
  readonly transmittedBytes: bigint;
}

/** A file's text; undefined where there is no such file (any more). */
export type ReadFile = (path: string) => string | undefined;

const readFile: ReadFile = (path) =>
  // ENODEV and ESRCH: the group or the process went away while its file was open.
  ignoring(['ENOENT', 'ENODEV', 'ESRCH', 'EINVAL'], () => readFileSync(path, 'utf8'));

/**
 * Reads all counters. What a machine does not count is zero, what is not limited is undefined.
 *
 * @param cgroupPath below the root of every hierarchy: `/gangway/ID`
 * @param pid a process in the container's network namespace; absent for `--network host`, whose traffic is the machine's
 */
export function readUsage(
  layout: CgroupLayout,
  cgroupPath: string,
  pid: number | undefined,
  read: ReadFile = readFile,
): Usage {
  const counters = readCounters(layout, cgroupPath, read);
  const memory = controllerDirectory(layout, 'memory', cgroupPath);
  const droppable = inactiveFileBytes((memory && read(`${memory}/memory.stat`)) ?? '');
  const network = (pid === undefined ? undefined : read(`/proc/${pid}/net/dev`)) ?? '';
  return { time: new Date(), ...usageOf(counters, droppable), ...parseNetworkDevices(network) };
}

function usageOf(counters: CgroupCounters, droppable: number) {
  return {
    cpuNanoseconds: counters.cpuNanoseconds ?? 0n,
    throttledPeriods: counters.throttledPeriods ?? 0,
    throttledNanoseconds: counters.throttledNanoseconds ?? 0n,
    memoryBytes: Math.max((counters.memoryBytes ?? 0) - droppable, 0),
    memoryLimitBytes: counters.memoryLimitBytes,
    outOfMemoryKills: counters.outOfMemoryKills ?? 0,
    pids: counters.pids ?? 0,
    pidsLimit: counters.pidsLimit,
    blockReadBytes: counters.blockReadBytes ?? 0n,
    blockWriteBytes: counters.blockWriteBytes ?? 0n,
  };
}

/**
 * File cache that was not used lately, from a memory.stat of either version.
 *
 * Version 1 has two numbers: `total_` is the one that counts groups below, as the usage does.
 */
export function inactiveFileBytes(memoryStat: string): number {
  const [, bytes] = /^total_inactive_file (\d+)$/m.exec(memoryStat) ?? /^inactive_file (\d+)$/m.exec(memoryStat) ?? [];
  return Number(bytes ?? 0);
}

/** Bytes over all interfaces but lo. The columns: name, 8 for receiving, 8 for sending; bytes come first in each. */
export function parseNetworkDevices(netDev: string): {
  readonly receivedBytes: bigint;
  readonly transmittedBytes: bigint;
} {
  let receivedBytes = 0n;
  let transmittedBytes = 0n;
  for (const [, name, columns = ''] of netDev.matchAll(/^ *([^\s:|]+): *(\d.*)$/gm)) {
    if (name === 'lo') continue;
    const numbers = columns.trim().split(/\s+/);
    receivedBytes += BigInt(numbers[0] ?? 0);
    transmittedBytes += BigInt(numbers[8] ?? 0);
  }
  return { receivedBytes, transmittedBytes };
}
