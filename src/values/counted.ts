/** How often the kernel has met something: a rule, or an element of a set. */
export interface Counted {
  readonly packets: bigint;
  readonly bytes: bigint;
}
