/**
 * A network of its own for the test's thread, with nothing in it but `lo`, which is up. It ends with the thread; no
 * socket or rule of the machine is seen or touched.
 */
import { spawnSync } from 'node:child_process';
import { call } from '../../src/sys/libc.ts';

const CLONE_NEWNET = 0x40000000;

/** Programs started from here on, and sockets opened from here on, belong to the new network. */
export function enterPrivateNetwork(): void {
  call('unshare network namespace', 'int unshare(int flags)', CLONE_NEWNET);
  ip('link set lo up');
}

/** `ip` with the words of `command`. */
export function ip(command: string): void {
  const { status, stderr } = spawnSync('ip', command.split(' '), { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip ${command}: ${stderr}`);
}
