/**
 * The flows of a published UDP port, ordered by their last datagram, oldest first.
 *
 * A port with the maximum of flows removes the oldest for each new client, so the oldest must be found without a search. A
 * flow moves to the end at most once a second, which is cheap for clients that send much; the order is exact to a second.
 */

const reorderMilliseconds = 1000;

/** Times of a flow, in milliseconds of one clock. */
export interface FlowTimes {
  usedAt: number;
  /** When the flow was last moved to the end. */
  movedAt: number;
}

export class FlowLru<Flow extends FlowTimes> {
  readonly #flows = new Set<Flow>();

  get size(): number {
    return this.#flows.size;
  }

  get oldest(): Flow | undefined {
    const [first] = this.#flows;
    return first;
  }

  [Symbol.iterator](): Iterator<Flow> {
    return this.#flows.values();
  }

  /** @param flow new, with both times set to now */
  add(flow: Flow): void {
    this.#flows.add(flow);
  }

  /** Records a datagram of either direction. */
  touch(flow: Flow, now: number): void {
    flow.usedAt = now;
    if (now - flow.movedAt < reorderMilliseconds) return;
    flow.movedAt = now;
    this.#flows.delete(flow);
    this.#flows.add(flow);
  }

  remove(flow: Flow): void {
    this.#flows.delete(flow);
  }

  /** Returns the flows without a datagram for so long. The caller may remove them while it iterates. */
  *idleFor(milliseconds: number, now: number): Generator<Flow> {
    for (const flow of this.#flows) {
      // The flows behind are at most a second older.
      if (now - flow.movedAt < milliseconds) return;
      if (now - flow.usedAt >= milliseconds) yield flow;
    }
  }
}
