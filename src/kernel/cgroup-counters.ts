/**
 * What a control group has used since it was made.
 *
 *     version 2   cpu.stat, memory.current, memory.events, pids.current, io.stat
 *     version 1   cpuacct.usage, memory.usage_in_bytes, memory.oom_control, pids.current, blkio.throttle.io_service_bytes
 *
 * @see cgroups(7), Documentation/admin-guide/cgroup-v2.rst, Documentation/admin-guide/cgroup-v1/
 */
import { present } from '../values/present.ts';
import { type CgroupLayout, controllerDirectory, type ReadCgroupFile, readCgroupFile } from './cgroup.ts';

/** Counters of one group since it was made. Undefined where no controller counts. */
export interface CgroupCounters {
  readonly cpuNanoseconds?: bigint;
  readonly throttledPeriods?: number;
  readonly throttledNanoseconds?: bigint;
  readonly memoryBytes?: number;
  readonly memoryLimitBytes?: number;
  readonly outOfMemoryKills?: number;
  readonly pids?: number;
  readonly pidsLimit?: number;
  readonly blockReadBytes?: bigint;
  readonly blockWriteBytes?: bigint;
}

/** Reads every counter that this machine has for the group. */
export function readCounters(
  layout: CgroupLayout,
  path: string,
  read: ReadCgroupFile = readCgroupFile,
): CgroupCounters {
  const file = (controller: string, name: string) => {
    const directory = controllerDirectory(layout, controller, path);
    return directory === undefined ? undefined : read(`${directory}/${name}`);
  };
  return present(layout.kind === 'v2' ? countersOfVersion2(file) : countersOfVersion1(file));
}

type ControllerFile = (controller: string, name: string) => string | undefined;
type Counters = { [K in keyof CgroupCounters]: CgroupCounters[K] | undefined };

function countersOfVersion2(file: ControllerFile): Counters {
  const cpu = keyed(file('cpu', 'cpu.stat'));
  const io = file('io', 'io.stat');
  return {
    cpuNanoseconds: microseconds(cpu.get('usage_usec')),
    throttledPeriods: count(cpu.get('nr_throttled')),
    throttledNanoseconds: microseconds(cpu.get('throttled_usec')),
    memoryBytes: count(file('memory', 'memory.current')),
    memoryLimitBytes: limit(file('memory', 'memory.max')),
    outOfMemoryKills: count(keyed(file('memory', 'memory.events')).get('oom_kill')),
    pids: count(file('pids', 'pids.current')),
    pidsLimit: limit(file('pids', 'pids.max')),
    blockReadBytes: sum(io, /\brbytes=(\d+)/g),
    blockWriteBytes: sum(io, /\bwbytes=(\d+)/g),
  };
}

function countersOfVersion1(file: ControllerFile): Counters {
  const cpu = keyed(file('cpu', 'cpu.stat'));
  const throttle = file('blkio', 'blkio.throttle.io_service_bytes');
  return {
    cpuNanoseconds: big(file('cpuacct', 'cpuacct.usage')),
    throttledPeriods: count(cpu.get('nr_throttled')),
    throttledNanoseconds: big(cpu.get('throttled_time')),
    memoryBytes: count(file('memory', 'memory.usage_in_bytes')),
    memoryLimitBytes: limit(file('memory', 'memory.limit_in_bytes')),
    outOfMemoryKills: count(keyed(file('memory', 'memory.oom_control')).get('oom_kill')),
    pids: count(file('pids', 'pids.current')),
    pidsLimit: limit(file('pids', 'pids.max')),
    blockReadBytes: sum(throttle, / Read (\d+)/g),
    blockWriteBytes: sum(throttle, / Write (\d+)/g),
  };
}

/** `name value` lines. */
function keyed(text: string | undefined): Map<string, string> {
  return new Map((text ?? '').split('\n').map((line) => line.split(' ') as [string, string]));
}

function big(text: string | undefined): bigint | undefined {
  return text === undefined ? undefined : BigInt(text.trim());
}

function microseconds(text: string | undefined): bigint | undefined {
  return text === undefined ? undefined : BigInt(text) * 1000n;
}

function count(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

/** `max`, and version 1's largest number of pages, are no limit. */
function limit(text: string | undefined): number | undefined {
  const value = text === undefined || text.trim() === 'max' ? undefined : Number(text);
  return value === undefined || value > Number.MAX_SAFE_INTEGER ? undefined : value;
}

function sum(text: string | undefined, pattern: RegExp): bigint | undefined {
  if (text === undefined) return undefined;
  return [...text.matchAll(pattern)].reduce((total, [, bytes = '0']) => total + BigInt(bytes), 0n);
}
