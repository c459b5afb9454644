/**
 * The flows of a published UDP port in the order of silence, the longest silent first.
 *
 * A port that has all the flows that it may have finds the one that has to go for each new client, and whoever sends from many
 * addresses makes it do nothing else. So it is found without a look at the others. To step back to the end of the line at each
 * datagram would be too dear for those who send many: a flow does so once a second, and the order is right to a second.
 */

/** A flow moves to the end of the line at most this often. */
const reorderMilliseconds = 1000;

/** What the line notes of each flow, in milliseconds of one clock. */
export interface Timed {
  usedAt: number;
  /** When it was put at the end of the line. */
  linedUpAt: number;
}

export class FlowLine<Flow extends Timed> {
  readonly #flows = new Set<Flow>();

  get size(): number {
    return this.#flows.size;
  }

  get longestSilent(): Flow | undefined {
    const [first] = this.#flows;
    return first;
  }

  [Symbol.iterator](): Iterator<Flow> {
    return this.#flows.values();
  }

  /** @param flow that begins now */
  add(flow: Flow): void {
    this.#flows.add(flow);
  }

  /** A datagram has come, from either side. */
  use(flow: Flow, now: number): void {
    flow.usedAt = now;
    if (now - flow.linedUpAt < reorderMilliseconds) return;
    flow.linedUpAt = now;
    this.#flows.delete(flow);
    this.#flows.add(flow);
  }

  remove(flow: Flow): void {
    this.#flows.delete(flow);
  }

  /** Those that have been silent for that long. They may be removed meanwhile. */
  *silentFor(milliseconds: number, now: number): Generator<Flow> {
    for (const flow of this.#flows) {
      // Further down the line none has been silent for longer than a second more.
      if (now - flow.linedUpAt < milliseconds) return;
      if (now - flow.usedAt >= milliseconds) yield flow;
    }
  }
}
