import test from 'ava';
import { readDnsperf } from '../../bench/dnsperf.ts';

const output = (completed: number, codes: string) => `
  Queries sent:         4
  Queries completed:    ${completed} (100.00%)
  Response codes:       ${codes}
  Queries per second:   27.5

  Latency bucket (s):   answer count
  0.000046 - 0.000047:  2
  0.000066 - 0.000067:  1
  0.001248 - 0.001279:  1
`;

test('parses numbers and histogram of dnsperf', (t) => {
  const figures = readDnsperf(output(4, 'NOERROR 4 (100.00%)'));
  t.like(figures, { perSecond: 27.5, completed: 4 });
  t.deepEqual(
    [0.5, 0.75, 0.99].map((share) => Math.round(figures.within(share))),
    [47, 67, 1279],
  );
});

test('rejects output with lost or failed answers', (t) => {
  t.throws(() => readDnsperf(output(3, 'NOERROR 3 (100.00%)')));
  t.throws(() => readDnsperf(output(4, 'NOERROR 3 (75.00%), SERVFAIL 1 (25.00%)')));
  t.throws(() => readDnsperf(''));
});
