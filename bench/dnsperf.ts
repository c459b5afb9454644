/** Parses the output of dnsperf. */

export interface Figures {
  readonly perSecond: number;
  readonly completed: number;
  /** Returns the microseconds within which this share of the answers came. Needs dnsperf's latency-histogram. */
  within(share: number): number;
}

/** Tolerated share of lost queries, because full socket queues drop datagrams. */
const lostShare = 0.001;

/** @throws Error for lost or failed answers */
export function readDnsperf(output: string): Figures {
  const number = (label: string) => Number(new RegExp(`${label}:\\s+([\\d.]+)`).exec(output)?.[1]);
  const [sent, completed] = [number('Queries sent'), number('Queries completed')];
  if (!(completed >= sent * (1 - lostShare)) || !/Response codes: +NOERROR \d+ \(100\.00%\)/.test(output))
    throw new Error(`unexpected answers to dnsperf: ${output}`);
  // `  0.000046 - 0.000047:  12`: 12 answers took between these numbers of seconds.
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
