/**
 * Settings of the kernel, as files below /proc/sys.
 *
 * A key is written with slashes, `net/ipv4/conf/eth0/arp_notify`: sysctl(8) takes that form too, and it keeps a link
 * name with a dot in one piece.
 *
 * @see sysctl(8), https://docs.kernel.org/networking/ip-sysctl.html
 */
import { closeSync, constants, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { KernelError } from '../values/errors.ts';

/** `sysctl -n KEY`, in the network namespace of the calling thread. */
export function readSysctl(key: string): string {
  return normal(readFileSync(`/proc/sys/${key}`, 'latin1'));
}

export interface Setting {
  readonly key: string;
  readonly value: string;
  /** In a person's words: the kernel takes `8080,8081` or `01`, and shows `8080-8081` and `1`. */
  readonly asked?: boolean;
}

/**
 * `sysctl -qw KEY=VALUE`. Unless somebody asked for it, it is read back: a setting on which isolation stands must not
 * fail in silence.
 *
 * @param procfs where a procfs is mounted
 * @throws KernelError EROFS where /proc/sys is read-only, ENOENT where the kernel has no such key, EINVAL
 */
export function writeSysctl({ key, value, asked = false }: Setting, procfs = '/proc'): void {
  const operation = `set sysctl ${key} to ${value}`;
  const file = `${procfs}/sys/${key}`;
  const found = attempting(operation, () => (asked ? writeOnly(file, value) : exchange(file, value)));
  if (!asked && found !== value) throw new KernelError(operation, 'EINVAL', `it stayed ${found}`);
}

/** Some settings, such as net/ipv4/route/flush, can't be read. */
function writeOnly(file: string, value: string): void {
  const fd = openSync(file, constants.O_WRONLY);
  try {
    writeSync(fd, value);
  } finally {
    closeSync(fd);
  }
}

/** A page: the kernel shows no more of a setting at a time. */
const longestBytes = 4096;

/** Writes, and reads with the same descriptor: looking a name up below /proc/sys/net is what costs. */
function exchange(file: string, value: string): string {
  const fd = openSync(file, 'r+');
  try {
    writeSync(fd, value);
    const buffer = Buffer.alloc(longestBytes);
    return normal(buffer.toString('latin1', 0, readSync(fd, buffer, 0, buffer.length, 0)));
  } finally {
    closeSync(fd);
  }
}

function attempting<T>(operation: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    const { code = 'EIO' } = error as NodeJS.ErrnoException;
    throw new KernelError(operation, code, reasons[code]);
  }
}

/** The kernel has a number alone for people who ask for a setting. */
const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such setting',
  EINVAL: 'it takes other values',
  EROFS: '/proc/sys is read-only',
};

/** The kernel puts tabs between numbers and a line feed at the end. */
function normal(text: string): string {
  return text.trim().replaceAll('\t', ' ');
}
