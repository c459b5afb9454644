/**
 * Chapter 2: host.
 *
 * What if a container gets no network of its own? Then its processes live in the machine's: same links, same
 * addresses, same ports, same loopback. There is nothing to build, and so nothing is isolated.
 *
 *      the machine = the container
 *     +------------------------------+
 *     | lo  eth0  gangway0  …        |
 *     +------------------------------+
 *
 * A packet's way is that of any program of the machine: fastest, and without a rule of ours. A port that the container
 * opens is open on the machine, so `-p` has nothing to publish and is discarded with a warning.
 *
 * What it gives away, in Docker as here: the container reaches what listens on the machine's 127.0.0.1, and the
 * abstract Unix sockets, which belong to the network namespace and not to the file system.
 */
import type { Step } from '../plan/step.ts';

/** Nothing to do: the whole chapter is that this list is empty. */
export function host(): readonly Step[] {
  return [];
}
