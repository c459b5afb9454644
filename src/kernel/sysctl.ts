/**
 * Settings of the kernel, as files below /proc/sys.
 *
 * A key is written with slashes, `net/ipv4/conf/eth0/arp_notify`: sysctl(8) takes that form too, and it keeps a link
 * name with a dot in one piece.
 *
 * @see sysctl(8), https://docs.kernel.org/networking/ip-sysctl.html
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { KernelError } from '../values/errors.ts';

function path(key: string): string {
  return `/proc/sys/${key}`;
}

/** `sysctl -n KEY`, in the network namespace of the calling thread. */
export function readSysctl(key: string): string {
  return readFileSync(path(key), 'utf8').trim().replaceAll('\t', ' ');
}

/**
 * `sysctl -qw KEY=VALUE`, and reads it back: a setting on which isolation stands must not fail in silence.
 *
 * @throws KernelError EROFS where /proc/sys is read-only, ENOENT where the kernel has no such key, EINVAL
 */
export function writeSysctl(key: string, value: string): void {
  try {
    writeFileSync(path(key), value);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new KernelError(`set sysctl ${key} to ${value}`, code ?? 'EIO');
  }
  const found = readSysctl(key);
  if (found !== value) throw new KernelError(`set sysctl ${key} to ${value}`, 'EINVAL', `it stayed ${found}`);
}
