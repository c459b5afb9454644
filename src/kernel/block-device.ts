/**
 * Disks, as sysfs knows them.
 *
 * @see Documentation/ABI/stable/sysfs-block, Documentation/block/bfq-iosched.rst
 */
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { ignoring } from '../values/errors.ts';

/** The disk that a partition lies on, `/dev/vda` for vda1; undefined for what is no partition. */
export function diskOfPartition(major: number, minor: number): string | undefined {
  const device = `/sys/dev/block/${major}:${minor}`;
  return existsSync(`${device}/partition`) ? `/dev/${basename(dirname(realpathSync(device)))}` : undefined;
}

/** One line a disk, `none [mq-deadline] bfq`: what could order its requests, and what does. */
export function readSchedulers(): readonly string[] {
  const disks = ignoring('ENOENT', () => readdirSync('/sys/block')) ?? [];
  // ENOENT and EINVAL: a disk that is just going away, and one without a queue.
  return disks.flatMap(
    (disk) => ignoring(['ENOENT', 'EINVAL'], () => readFileSync(`/sys/block/${disk}/queue/scheduler`, 'utf8')) ?? [],
  );
}

/**
 * Is any disk shared by the weights of groups? By the scheduler BFQ where a disk has it, else by the cost model of
 * version 2 where it is switched on for a disk.
 *
 * The file of a weight says nothing: io.bfq.weight is there when the scheduler is loaded, io.weight always. And where the
 * first one is, crun writes only that.
 *
 * @param schedulers see `readSchedulers`
 * @param costs `io.cost.qos`: `254:0 enable=1 ctrl=auto …`, one line a disk
 */
export function sharesByWeight(schedulers: readonly string[], costs: string): boolean {
  const loaded = schedulers.filter((line) => line.includes('bfq'));
  return loaded.length > 0 ? loaded.some((line) => line.includes('[bfq]')) : costs.includes(' enable=1');
}
