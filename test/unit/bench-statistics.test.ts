import test from 'ava';
import { median, pairedDifference, pairedRatio, summarize } from '../../bench/statistics.ts';

test('computes the median of an even number of samples between the middle two', (t) => {
  t.is(median([4, 1, 3, 2]), 2.5);
  t.is(median([5, 1, 3]), 3);
  t.throws(() => median([]), { instanceOf: RangeError });
});

test('summarises the spread', (t) => {
  t.deepEqual(summarize([3, 1, 2]), { median: 2, minimum: 1, maximum: 3 });
});

test('compares contenders round by round, so that a slow round has no effect', (t) => {
  t.is(pairedRatio([2, 20, 2], [1, 10, 1]), 2);
  t.is(pairedDifference([2, 20, 2], [1, 10, 1]), 1);
});
