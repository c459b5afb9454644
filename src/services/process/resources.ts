/**
 * Limits, from what a person asked for to what config.json says.
 *
 *     --cpus 1.5            quota 150000 in a period of 100000 µs   cpu.max          cpu.cfs_quota_us
 *     --cpu-shares 512      weight beside others                    cpu.weight       cpu.shares
 *     --memory 64m          memory, and as much swap again          memory.max       memory.limit_in_bytes, memory.memsw…
 *     --pids-limit 100      processes and threads                   pids.max         pids.max
 *     --blkio-weight 300    weight beside others                    io.bfq.weight    blkio.bfq.weight
 *     --device-write-bps    bytes per second                        io.max wbps      blkio.throttle.write_bps_device
 *
 * The middle column is what we write; crun translates it to the files of version 2 or 1. The doubled memory is docker's:
 * memory and swap together, where the kernel accounts for swap.
 *
 * A limit that nobody would keep is refused: what runs inside is perhaps run because of it.
 */
import { statSync } from 'node:fs';
import { diskOfPartition, readSchedulers, sharesByWeight } from '../../kernel/block-device.ts';
import {
  type CgroupLayout,
  type Controller,
  controllerDirectory,
  hasController,
  hasSwapAccounting,
  readCgroupFile,
  readLayout,
} from '../../kernel/cgroup.ts';
import type { DeviceRate, Limits } from '../../values/container.ts';
import { GangwayError, ignoring } from '../../values/errors.ts';
import type { LaunchLimits, NumberedDeviceRate } from '../../values/launch.ts';

/** The length of one scheduling period. Docker's and the kernel's default. */
const periodMicroseconds = 100_000;

/**
 * The limits in numbers.
 *
 * @throws GangwayError not-supported for what this kernel doesn't keep, invalid-option for what is no disk
 */
export function resolveLimits(asked: Limits): { limits: LaunchLimits; warnings: readonly string[] } {
  const layout = readLayout();
  refuseUnkept(asked, layout);
  const { deviceReadBytesPerSecond = [], deviceWriteBytesPerSecond = [], ...others } = asked;
  const swapAccounting = hasSwapAccounting(layout);
  return {
    limits: {
      ...others,
      deviceReadBytesPerSecond: deviceReadBytesPerSecond.map((rate) => numberDevice(rate, '--device-read-bps')),
      deviceWriteBytesPerSecond: deviceWriteBytesPerSecond.map((rate) => numberDevice(rate, '--device-write-bps')),
      swapAccounting,
    },
    warnings:
      others.memoryBytes !== undefined && !swapAccounting
        ? ['this kernel does not account for swap: --memory limits memory alone']
        : [],
  };
}

/** Who keeps each limit. */
const keepers: readonly (readonly [limit: keyof Limits, option: string, controller: Controller])[] = [
  ['cpuMillis', '--cpus', 'cpu'],
  ['cpuShares', '--cpu-shares', 'cpu'],
  ['memoryBytes', '--memory', 'memory'],
  ['pids', '--pids-limit', 'pids'],
  ['deviceReadBytesPerSecond', '--device-read-bps', 'io'],
  ['deviceWriteBytesPerSecond', '--device-write-bps', 'io'],
  ['blockWeight', '--blkio-weight', 'io'],
];

function refuseUnkept(asked: Limits, layout: CgroupLayout): void {
  for (const [limit, option, controller] of keepers) {
    if (asked[limit] === undefined || hasController(layout, controller)) continue;
    throw new GangwayError('not-supported', `${option}: control groups can't limit "${controller}" here`, {
      hint: 'cgroup_disable= or cgroup_no_v1= in /proc/cmdline, or an outer control group, may keep it from us',
    });
  }
  const costs = readCgroupFile(`${controllerDirectory(layout, 'io', '')}/io.cost.qos`) ?? '';
  if (asked.blockWeight !== undefined && !sharesByWeight(readSchedulers(), costs)) {
    throw new GangwayError('not-supported', '--blkio-weight: no disk of this machine is shared by weight', {
      hint: 'as root: modprobe bfq; echo bfq >/sys/block/DISK/queue/scheduler',
    });
  }
}

/** A device path as the kernel's two numbers. @throws GangwayError invalid-option unless it is a whole disk */
function numberDevice({ path, bytesPerSecond }: DeviceRate, option: string): NumberedDeviceRate {
  const found = ignoring(['ENOENT', 'ENOTDIR'], () => statSync(path));
  if (found === undefined) throw new GangwayError('invalid-option', `${option}: no such device: ${path}`);
  if (!found.isBlockDevice()) {
    throw new GangwayError('invalid-option', `${option}: ${path} is not a block device`, {
      hint: 'lsblk -p lists them',
    });
  }
  const { major, minor } = deviceNumbers(found.rdev);
  const disk = diskOfPartition(major, minor);
  if (disk !== undefined) {
    throw new GangwayError('invalid-option', `${option}: ${path} is a partition, and the kernel limits whole disks`, {
      hint: `${option} ${disk}:${bytesPerSecond}`,
    });
  }
  return { major, minor, bytesPerSecond };
}

/** glibc's gnu_dev_major and gnu_dev_minor: 12 and 20 bits, interleaved. @see sys/sysmacros.h */
function deviceNumbers(device: number): { major: number; minor: number } {
  const number = BigInt(device);
  return {
    major: Number(((number >> 8n) & 0xfffn) | ((number >> 32n) & ~0xfffn)),
    minor: Number((number & 0xffn) | ((number >> 12n) & ~0xffn & 0xffff_ffffn)),
  };
}

/** The `linux.resources` of config.json. Devices: none but the harmless ones that crun adds by itself. */
export function ociResources(limits: LaunchLimits): Readonly<Record<string, unknown>> {
  const { cpuMillis, cpuShares, memoryBytes, pids } = limits;
  const quota =
    cpuMillis === undefined ? {} : { quota: cpuMillis * (periodMicroseconds / 1000), period: periodMicroseconds };
  const shares = cpuShares === undefined ? {} : { shares: cpuShares };
  const swap = memoryBytes === undefined || !limits.swapAccounting ? {} : { swap: 2 * memoryBytes };
  return {
    devices: [{ allow: false, access: 'rwm' }],
    ...(cpuMillis === undefined && cpuShares === undefined ? {} : { cpu: { ...quota, ...shares } }),
    ...(memoryBytes === undefined ? {} : { memory: { limit: memoryBytes, ...swap } }),
    ...(pids === undefined ? {} : { pids: { limit: pids } }),
    ...blockInputOutput(limits),
  };
}

function blockInputOutput(limits: LaunchLimits): Readonly<Record<string, unknown>> {
  const reads = limits.deviceReadBytesPerSecond.map(throttle);
  const writes = limits.deviceWriteBytesPerSecond.map(throttle);
  if (limits.blockWeight === undefined && reads.length + writes.length === 0) return {};
  return {
    blockIO: {
      ...(limits.blockWeight === undefined ? {} : { weight: limits.blockWeight }),
      ...(reads.length === 0 ? {} : { throttleReadBpsDevice: reads }),
      ...(writes.length === 0 ? {} : { throttleWriteBpsDevice: writes }),
    },
  };
}

function throttle({ major, minor, bytesPerSecond }: NumberedDeviceRate) {
  return { major, minor, rate: bytesPerSecond };
}
