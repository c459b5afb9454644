import type { Family } from './address.ts';

/**
 * How many bytes of a TCP stream one packet may carry through a link of this machine, by family. Absent: 65,536, which is what
 * an IP packet's own length has room for.
 *
 * @see gso_max_size, gso_ipv4_max_size in ip-link(8)
 */
export type Segments = Readonly<Partial<Record<Family, number>>>;

/** The sizes of a network's links: those of the machine, and the containers'. */
export interface SegmentSizes {
  readonly machine: Segments;
  readonly containers: Segments;
}
