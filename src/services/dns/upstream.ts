/**
 * The upstream servers as this container has come to know them: how fast each one is, and whether it is there.
 *
 * A server is waited for as long as its earlier answers suggest (a smoothed time and four times its deviation, as TCP
 * does); when that has passed, the next one is asked beside it. Who has been silent three times is asked last for half a
 * minute. So one dead server costs the first questions less than a second, and later ones nothing; with Docker it costs
 * every question four seconds.
 *
 * @see RFC 6298
 */
import type { Upstream } from '../../values/resolver.ts';

const patience = { initial: 400, least: 100, most: 2000 } as const;
const silencesUntilLast = 3;
const restMilliseconds = 30_000;

export class UpstreamServer {
  #smoothed: number | undefined;
  #deviation = 0;
  #silences = 0;
  #restsUntil = Number.NEGATIVE_INFINITY;

  constructor(readonly upstream: Upstream) {}

  /** How long to wait for it before somebody else is asked, too. */
  get timeoutMilliseconds(): number {
    const measured = this.#smoothed === undefined ? patience.initial : this.#smoothed + 4 * this.#deviation;
    const doubled = Math.max(measured, patience.least) * 2 ** Math.min(this.#silences, silencesUntilLast);
    return Math.min(doubled, patience.most);
  }

  recordAnswer(milliseconds: number): void {
    this.#silences = 0;
    this.#restsUntil = Number.NEGATIVE_INFINITY;
    if (this.#smoothed === undefined) {
      this.#smoothed = milliseconds;
      this.#deviation = milliseconds / 2;
      return;
    }
    this.#deviation += (Math.abs(milliseconds - this.#smoothed) - this.#deviation) / 4;
    this.#smoothed += (milliseconds - this.#smoothed) / 8;
  }

  /** It did not answer in time, or could not be reached. */
  recordTimeout(now: number): void {
    this.#silences++;
    if (this.#silences >= silencesUntilLast) this.#restsUntil = now + restMilliseconds;
  }

  isDeferred(now: number): boolean {
    return now < this.#restsUntil;
  }
}

/** As a person has ordered them, but those that rest come last. */
export function orderUpstreams(servers: readonly UpstreamServer[], now: number): readonly UpstreamServer[] {
  return [
    ...servers.filter((server) => !server.isDeferred(now)),
    ...servers.filter((server) => server.isDeferred(now)),
  ];
}
