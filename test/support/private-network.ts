/**
 * A network of its own for the test's thread, with nothing in it but `lo`, which is up. It ends with the thread; no
 * socket or rule of the machine is seen or touched.
 */
import { spawnSync } from 'node:child_process';
import { call } from '../../src/sys/libc.ts';

const CLONE_NEWNS = 0x20000;
const CLONE_NEWNET = 0x40000000;

/** Programs started from here on, and sockets opened from here on, belong to the new network. */
export function enterPrivateNetwork(): void {
  call('unshare network namespace', 'int unshare(int flags)', CLONE_NEWNET);
  ip('link set lo up');
}

/** Pins of namespaces from here on are this thread's own: a pin that goes would take its mount out of every other lab. */
export function enterPrivatePins(): void {
  call('unshare mount namespace', 'int unshare(int flags)', CLONE_NEWNS);
  run('mount', ['--make-rprivate', '/']);
  run('mount', ['-t', 'tmpfs', 'tmpfs', '/run/netns']);
}

/** `ip` with the words of `command`. */
export function ip(command: string): void {
  run('ip', command.split(' '));
}

function run(program: string, words: readonly string[]): void {
  const { status, stderr } = spawnSync(program, words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${words.join(' ')}: ${stderr}`);
}
