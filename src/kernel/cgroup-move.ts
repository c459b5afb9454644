/**
 * Moving processes between control groups, and why the first move takes so long.
 *
 * A process must not fork while it is moved, or its child would be left behind. The lock for that costs the forks nothing,
 * and the first mover all the more: he waits until every processor has passed a quiet state, some 8 ms. Who moves
 * something within the next few milliseconds does not wait again.
 *
 * @see favordynmods in Documentation/admin-guide/cgroup-v2.rst, cgroup_threadgroup_rwsem in kernel/cgroup/cgroup.c, kernel/rcu/sync.c
 */
import { writeFile } from 'node:fs';
import type { CgroupLayout } from './cgroup.ts';

/**
 * Has the kernel do that waiting now, in the background, for a move that will come in some 10 ms: it moves this process to
 * where it is. One lock serves all trees.
 *
 *     echo PID >/sys/fs/cgroup/OWN/cgroup.procs &
 *
 * Nothing depends on it: where the tree is read-only, or our place in it out of sight, the real move just waits itself.
 * Must not be called inside a network-namespace window, since a thread of Node's pool writes the file.
 */
export function anticipateMove({ hierarchies: [tree] }: CgroupLayout): void {
  if (tree === undefined) return;
  writeFile(`${tree.mountPoint}${tree.own}/cgroup.procs`, String(process.pid), { flag: 'r+' }, () => {});
}
