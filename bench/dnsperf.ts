/** What dnsperf says, as figures. */

export interface Figures {
  readonly perSecond: number;
  readonly completed: number;
  /** Microseconds within which this share of the answers came. Needs dnsperf's latency-histogram. */
  within(share: number): number;
}

/** How many of a run's questions may get lost: a full queue of a socket drops datagrams, as it should. */
const lostShare = 0.001;

/** @throws Error where answers got lost, or are not what the benchmark is about */
export function readDnsperf(output: string): Figures {
  const number = (label: string) => Number(new RegExp(`${label}:\\s+([\\d.]+)`).exec(output)?.[1]);
  const [sent, completed] = [number('Queries sent'), number('Queries completed')];
  if (!(completed >= sent * (1 - lostShare)) || !/Response codes: +NOERROR \d+ \(100\.00%\)/.test(output))
    throw new Error(`dnsperf was not answered as it should be: ${output}`);
  // `  0.000046 - 0.000047:  12` is how many answers took between so many seconds.
  const buckets = [...output.matchAll(/^ +[\d.]+ - ([\d.]+): +(\d+)$/gm)].map(([, seconds, count]) => ({
    microseconds: Number(seconds) * 1e6,
    count: Number(count),
  }));
  return {
    perSecond: number('Queries per second'),
    completed,
    within(share) {
      let left = share * buckets.reduce((sum, { count }) => sum + count, 0);
      const last = buckets.find(({ count }) => {
        left -= count;
        return left <= 0;
      });
      if (last === undefined) throw new RangeError('dnsperf printed no histogram');
      return last.microseconds;
    },
  };
}
